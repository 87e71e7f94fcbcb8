"use client";
// How every page loads: inside `provider.load`, which holds events until the data is in, and again when a resync asks for it.
import { useCallback, useEffect, useRef, useState } from "react";
import { useBackendEventProvider, useResync } from "@tidings/coaching-events/react";
import { ApiFailure, type Answer } from "@/lib/api";
import { useApp } from "./shell/app-context";

export interface LiveLoad {
  readonly state: "loading" | "ready" | ApiFailure;
  readonly retry: () => void;
  /** Loads a piece that an event announced, until it succeeds; `apply` gets the turn it was started in. */
  readonly refresh: <T>(fetchPiece: (signal: AbortSignal) => Promise<T>, apply: (turn: number, piece: T) => void) => AbortController;
}

const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
const NEVER = new AbortController().signal;

/** `fetchPage` and `apply` must keep their identity while the page is the same. */
export function useLiveLoad<T>(fetchPage: (signal: AbortSignal) => Promise<Answer<T>>, apply: (turn: number, page: T) => void): LiveLoad {
  const provider = useBackendEventProvider();
  const { firstCursor, logIns } = useApp();
  const turns = useRef(0);
  const [state, setState] = useState<LiveLoad["state"]>("loading");

  const run = useCallback(async (signal: AbortSignal) => {
    const turn = ++turns.current;
    const { data, cursor } = await fetchPage(signal);
    apply(turn, data);
    firstCursor.offer(cursor);
    setState("ready");
  }, [fetchPage, apply, firstCursor]);

  const load = useCallback((left: AbortSignal = NEVER) => {
    provider.load(({ signal }) => run(AbortSignal.any([signal, left]))).catch((failure: unknown) => {
      if (left.aborted) return;
      if (!(failure instanceof ApiFailure)) throw failure;
      firstCursor.offer(null);
      setState(failure);
      if (failure.code === "unauthorized") provider.reconnect();
    });
  }, [provider, run, firstCursor]);
  const retry = useCallback(() => load(), [load]);

  useEffect(() => {
    const abort = new AbortController();
    setState("loading");
    load(abort.signal);
    return () => abort.abort();
  }, [load]);

  const failed = state instanceof ApiFailure;
  const failedBefore = useRef(failed);
  failedBefore.current = failed;
  useEffect(() => {
    if (logIns > 0 && failedBefore.current) retry();
  }, [logIns, retry]);

  useResync((_, { signal }) => run(signal));

  const refresh = useCallback<LiveLoad["refresh"]>((fetchPiece, applyPiece) => {
    const abort = new AbortController();
    const attempt = async (delay: number): Promise<void> => {
      try {
        await provider.load(async ({ signal }) => {
          const turn = ++turns.current;
          const piece = await fetchPiece(AbortSignal.any([signal, abort.signal]));
          if (!abort.signal.aborted) applyPiece(turn, piece);
        });
      } catch (failure) {
        if (abort.signal.aborted || (failure instanceof ApiFailure && failure.code === "unauthorized")) return;
        setTimeout(() => void attempt(Math.min(delay * 2, LONGEST_DELAY_MS)), delay);
      }
    };
    void attempt(FIRST_DELAY_MS);
    return abort;
  }, [provider]);

  return { state, retry, refresh };
}
