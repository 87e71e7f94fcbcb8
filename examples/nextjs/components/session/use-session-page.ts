"use client";
// The session page's state, kept true by loads, events and this tab's own changes.
import { useCallback, useEffect, useMemo, useReducer } from "react";
import { useBackendEventProvider } from "@tidings/coaching-events/react";
import { ApiFailure } from "@/lib/api";
import type { Change } from "@/lib/collection";
import { failureToast } from "@/lib/failure-toast";
import { answered, began, openPage, refused, sessionPage, type LoadedPage, type Piece, type Pieces, type SessionPage } from "@/lib/session-page";
import { useApp } from "@/components/shell/app-context";
import { useToast } from "@/components/ui/toasts";
import { useLiveLoad, type LiveLoad } from "@/components/use-live-load";
import { usePresence } from "@/components/use-presence";

/** Shows the change at once and sends it; resolves to the failure after the change was rolled back, or to null. */
export interface Save {
  put<K extends Piece>(piece: K, entity: Pieces[K], send: (correlationId: string) => Promise<Pieces[K] | null>): Promise<ApiFailure | null>;
  remove<K extends Piece>(piece: K, entityId: string, send: (correlationId: string) => Promise<Pieces[K] | null>): Promise<ApiFailure | null>;
}

export interface LivePage {
  readonly page: SessionPage;
  readonly load: LiveLoad;
  readonly save: Save;
}

export function useSessionPage(sessionId: string): LivePage {
  const provider = useBackendEventProvider();
  const { api, requests } = useApp();
  const toast = useToast();
  const [page, dispatch] = useReducer(sessionPage, sessionId, openPage);

  useEffect(() => provider.onAny(({ meta, ...event }) => {
    const at = meta.sentAt ?? new Date(meta.receivedAt).toISOString();
    dispatch({ type: "event", event, origin: { own: meta.own, correlationId: meta.correlationId, at } });
  }), [provider]);

  const fetchPage = useCallback((signal: AbortSignal) => api.sessionPage(sessionId, signal), [api, sessionId]);
  const apply = useCallback((turn: number, loaded: LoadedPage) => dispatch({ type: "loaded", turn, page: loaded }), []);
  const load = useLiveLoad(fetchPage, apply);
  const { refresh } = load;

  usePresence(page.relationshipId, refresh, useCallback((presence) => dispatch({ type: "presence_loaded", presence }), []));

  const staleTopics = page.stale.topics;
  useEffect(() => {
    if (staleTopics === 0) return;
    const refreshing = refresh((signal) => api.topics(sessionId, signal), (turn, topics) => dispatch({ type: "topics_loaded", turn, topics }));
    return () => refreshing.abort();
  }, [staleTopics, refresh, api, sessionId]);

  const staleSession = page.stale.sessions;
  useEffect(() => {
    if (staleSession === 0) return;
    const refreshing = refresh((signal) => api.session(sessionId, signal), (turn, session) => dispatch({ type: "session_loaded", turn, session }));
    return () => refreshing.abort();
  }, [staleSession, refresh, api, sessionId]);

  const save = useMemo<Save>(() => {
    async function make<K extends Piece>(piece: K, change: Change<Pieces[K]>, send: (correlationId: string) => Promise<Pieces[K] | null>): Promise<ApiFailure | null> {
      dispatch(began(piece, change));
      try {
        dispatch(answered(piece, change, await send(change.id)));
        return null;
      } catch (failure) {
        if (!(failure instanceof ApiFailure)) throw failure;
        dispatch(refused(piece, change, currentOf<Pieces[K]>(failure, change)));
        toast(failureToast(failure));
        if (failure.code === "unauthorized") provider.reconnect();
        return failure;
      }
    }
    return {
      put: (piece, entity, send) => make(piece, { kind: "put", id: requests.next(), entity }, send),
      remove: (piece, entityId, send) => make(piece, { kind: "remove", id: requests.next(), entityId }, send),
    };
  }, [provider, requests, toast]);

  return { page, load, save };
}

/** What the server has instead of the refused change, if it says so and speaks of the same entity. */
function currentOf<T extends { readonly id: string }>({ current }: ApiFailure, change: Change<T>): T | null {
  const id = change.kind === "put" ? change.entity.id : change.entityId;
  return typeof current === "object" && current !== null && (current as { id?: unknown }).id === id ? (current as T) : null;
}
