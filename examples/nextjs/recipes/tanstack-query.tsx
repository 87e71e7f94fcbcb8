"use client";
// TanStack Query: fetched once, patched by events, fetched again on a resync only.
import type { Action } from "@tidings/coaching-events";
import { useBackendEvent, useBackendEventProvider, useResync } from "@tidings/coaching-events/react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { ACTION_EVENTS, patched, type ActionEvent, type FetchActions } from "./actions";

const actionsOf = (session: string) => ["actions", session] as const;

/** `load` holds events until the answer is in, so that none falls between the two. What events keep true is never stale. */
export function useActions(session: string, fetchActions: FetchActions) {
  const provider = useBackendEventProvider();
  const load = () => provider.load(({ signal }) => fetchActions(session, signal));
  return useQuery({ queryKey: actionsOf(session), queryFn: load, staleTime: Infinity, retry: false });
}

/** Once, below the provider: it keeps every list true, also those that no page shows just now. */
export function LiveActions(): null {
  const queries = useQueryClient();
  useBackendEvent(ACTION_EVENTS, (data, { type }) => {
    const event = { type, data } as ActionEvent;
    queries.setQueryData(actionsOf(data.coaching_session_id), (list?: Action[]) => patched(list, event));
  });
  // Those on a page are fetched now, the others when a page shows them again.
  useResync(() => queries.invalidateQueries({ queryKey: ["actions"] }));
  return null;
}
