"use client";
// How far an action or a goal has come.
import { STATUS_WORDS } from "@/lib/format";
import type { Status } from "@/lib/entities";
import styles from "./chips.module.css";

export function StatusSelect({ status, label, testId, onChoose }: { status: Status; label: string; testId: string; onChoose: (status: Status) => void }) {
  return (
    <select className={styles.chip} data-value={status} value={status} aria-label={label} data-testid={testId} onChange={(event) => onChoose(event.target.value as Status)}>
      {Object.entries(STATUS_WORDS).map(([value, words]) => <option key={value} value={value}>{words}</option>)}
    </select>
  );
}
