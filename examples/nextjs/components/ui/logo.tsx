// The name and its mark.
import styles from "./logo.module.css";

export function Logo() {
  return (
    <span className={styles.logo}>
      <svg aria-hidden="true" width="30" height="30" viewBox="0 0 32 32">
        <rect width="32" height="32" rx="9" fill="var(--accent)" />
        <path d="M9 19c4.5 0 4.5-6 9-6 2.5 0 3.9 1.5 5 3" fill="none" stroke="var(--accent-ink)" strokeWidth="2.6" strokeLinecap="round" />
        <circle cx="9" cy="19" r="2.6" fill="var(--accent-ink)" />
      </svg>
      <span>Tidings <span className={styles.second}>Coaching</span></span>
    </span>
  );
}
