// A person with the dot that says whether they are here.
import type { Presence } from "@/lib/entities";
import { initials } from "@/lib/format";
import styles from "./person.module.css";

const WORDS: Readonly<Record<Presence, string>> = { online: "Online", reconnecting: "Reconnecting", offline: "Offline" };

export function Person({ name, presence }: { name: string; presence: Presence }) {
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
