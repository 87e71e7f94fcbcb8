// A person with the dot that says whether they are here.
import { initials } from "@/lib/format";
import type { ShownPresence } from "@/lib/presence";
import styles from "./person.module.css";

const WORDS: Readonly<Record<ShownPresence, string>> = { writing: "Writing notes", online: "Online", reconnecting: "Reconnecting", offline: "Offline" };

export function Person({ name, presence }: { name: string; presence: ShownPresence }) {
  return (
    <span className={styles.person} data-testid="partner" data-presence={presence}>
      <span className={styles.avatar} aria-hidden="true">{initials(name)}<span className={styles.dot} data-presence={presence} /></span>
      <span className={styles.words}>
        <span className={styles.name}>{name}</span>
        <span className={styles.presence} role="status">{WORDS[presence]}</span>
      </span>
    </span>
  );
}
