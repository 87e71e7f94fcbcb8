"use client";
// SWR: fetched once, patched by events, fetched again on a resync only.
import type { Action } from "@tidings/coaching-events";
import { useBackendEvent, useBackendEventProvider, useResync } from "@tidings/coaching-events/react";
import useSWR, { useSWRConfig } from "swr";
import { ACTION_EVENTS, patched, type ActionEvent, type FetchActions } from "./actions";

const actionsOf = (session: string) => ["actions", session] as const;

/** `load` holds events until the answer is in, so that none falls between the two. */
export function useActions(session: string, fetchActions: FetchActions) {
  const provider = useBackendEventProvider();
  const load = () => provider.load(({ signal }) => fetchActions(session, signal));
  return useSWR(actionsOf(session), load, { revalidateOnFocus: false, revalidateOnReconnect: false });
}

/** Once, below the provider: it keeps every list true, also those that no page shows just now. */
export function LiveActions(): null {
  const { mutate } = useSWRConfig();
  useBackendEvent(ACTION_EVENTS, (data, { type }) => {
    const event = { type, data } as ActionEvent;
    return mutate(actionsOf(data.coaching_session_id), (list?: Action[]) => patched(list, event), { revalidate: false });
  });
  useResync(() => mutate((key) => Array.isArray(key) && key[0] === "actions"));
  return null;
}
