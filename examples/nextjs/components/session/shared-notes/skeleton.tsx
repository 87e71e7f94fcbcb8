// The room that the editor will take, so that nothing jumps when it comes.
import styles from "./editor.module.css";

export function Skeleton() {
  return (
    <div className={styles.notes} data-testid="shared-notes-loading" role="status">
      <div className={styles.tools} />
      <div className={styles.text}><p className={styles.waiting}>Opening the shared notes…</p></div>
    </div>
  );
}
