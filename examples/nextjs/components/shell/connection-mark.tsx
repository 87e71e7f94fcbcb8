"use client";
// The small mark in the header: quiet while all is well, and in its own fixed place so that nothing moves when it changes.
import { useConnectionState } from "@tidings/coaching-events/react";
import { connectionView } from "@/lib/connection-view";
import styles from "./connection.module.css";

/** A hiccup shorter than this is nobody's business. */
export const GRACE_MS = 2_000;

export function ConnectionMark() {
  const state = useConnectionState((now) => now, { graceMs: GRACE_MS });
  const { title, place } = connectionView(state);
  return (
    <span className={styles.mark} data-testid="connection-mark" data-status={state.status} data-role={state.status === "online" ? state.role : undefined}>
      <span className={styles.dot} data-status={state.status} aria-hidden="true" />
      <span className={styles.word}>{place === "trouble" ? "Paused" : title}</span>
    </span>
  );
}
