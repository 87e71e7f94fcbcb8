"use client";
// The session list's state, kept true by loads and events.
import { useCallback, useEffect, useReducer, useState } from "react";
import { EventType } from "@tidings/coaching-events";
import { useBackendEvent, useBackendEventProvider } from "@tidings/coaching-events/react";
import type { Answer } from "@/lib/api";
import type { Session } from "@/lib/entities";
import { EMPTY_LIST, sessionList, type LoadedList, type SessionList } from "@/lib/session-list";
import { useApp } from "@/components/shell/app-context";
import { useLiveLoad, type LiveLoad } from "@/components/use-live-load";
import { usePresence } from "@/components/use-presence";

export interface LiveList {
  readonly list: SessionList;
  readonly load: LiveLoad;
  readonly choose: (relationshipId: string) => void;
  readonly create: (date: string) => Promise<Session | null>;
}

export function useSessionList(): LiveList {
  const provider = useBackendEventProvider();
  const { me, api } = useApp();
  const [chosen, choose] = useState<string | null>(null);
  const [list, dispatch] = useReducer(sessionList, EMPTY_LIST);

  useEffect(() => provider.onAny((event) => dispatch({ type: "event", event })), [provider]);

  const fetchPage = useCallback(async (signal: AbortSignal): Promise<Answer<LoadedList>> => {
    const { data: relationships, cursor } = await api.relationships(me.id, signal);
    const relationshipId = relationships.find(({ id }) => id === chosen)?.id ?? relationships[0]?.id ?? null;
    if (relationshipId === null) return { data: { relationships, relationshipId, sessions: [], presence: [] }, cursor };
    const [sessions, presence] = await Promise.all([api.sessions(relationshipId, signal), api.presence(relationshipId, signal)]);
    return { data: { relationships, relationshipId, sessions, presence }, cursor };
  }, [api, me.id, chosen]);
  const apply = useCallback((turn: number, loaded: LoadedList) => dispatch({ type: "loaded", turn, list: loaded }), []);
  const load = useLiveLoad(fetchPage, apply);
  const { refresh } = load;

  const { retry } = load;
  useBackendEvent(EventType.ApplicationError, ({ code, about }) => {
    if (code === "permission_lost" && about?.kind === "coaching_relationship") retry();
  });

  const { stale, relationshipId } = list;
  usePresence(relationshipId, refresh, useCallback((presence) => dispatch({ type: "presence_loaded", presence }), []));

  useEffect(() => {
    const refreshing = stale.map((id) => refresh((signal) => api.session(id, signal), (_, session) => dispatch({ type: "session", session })));
    return () => refreshing.forEach((one) => one.abort());
  }, [stale, refresh, api]);

  const create = useCallback(async (date: string) => {
    if (relationshipId === null) return null;
    const session = await api.createSession(relationshipId, date);
    dispatch({ type: "session", session });
    return session;
  }, [api, relationshipId]);

  return { list, load, choose, create };
}
