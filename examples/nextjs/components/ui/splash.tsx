// Shown while a page's first answer is on its way.
import styles from "./splash.module.css";

export function Splash({ label = "Loading" }: { label?: string }) {
  return (
    <div className={styles.splash} role="status" data-testid="loading">
      <span className={styles.ring} aria-hidden="true" />
      <span className="visually-hidden">{label}</span>
    </div>
  );
}
