"use client";
// Who is there, asked for whenever the stream begins: a change of presence is live only, and what was said while there was
// no stream, or between a page's load and its stream, does not come again.
import { useEffect } from "react";
import { useConnectionState } from "@tidings/coaching-events/react";
import type { PersonPresence } from "@/lib/entities";
import { useApp } from "./shell/app-context";
import type { LiveLoad } from "./use-live-load";

/** `apply` must keep its identity. */
export function usePresence(relationshipId: string | null, refresh: LiveLoad["refresh"], apply: (presence: readonly PersonPresence[]) => void): void {
  const { api } = useApp();
  const begun = useConnectionState((state) => (state.status === "online" ? state.since : null));
  useEffect(() => {
    if (relationshipId === null || begun === null) return;
    const refreshing = refresh((signal) => api.presence(relationshipId, signal), (_, presence) => apply(presence));
    return () => refreshing.abort();
  }, [relationshipId, begun, refresh, api, apply]);
}
