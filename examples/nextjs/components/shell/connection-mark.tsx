"use client";
// The small mark in the header: quiet while all is well, and in its own fixed place so that nothing moves when it changes.
import { useConnectionStatus } from "@tidings/client/react/status";
import { useConnectionState } from "@tidings/coaching-events/react";
import { connectionWords } from "@/lib/connection-view";
import { useConnections } from "./connections";
import styles from "./connection.module.css";

export function ConnectionMark() {
  const { status, troubled } = useConnectionStatus(useConnections().source);
  const role = useConnectionState((state) => (state.status === "online" ? state.role : undefined));
  return (
    <span className={styles.mark} data-testid="connection-mark" data-status={status} data-role={role}>
      <span className={styles.dot} data-status={status} aria-hidden="true" />
      <span className={styles.word}>{troubled ? "Paused" : connectionWords(status).title}</span>
    </span>
  );
}
