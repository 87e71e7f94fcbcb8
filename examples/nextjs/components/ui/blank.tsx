// A page or a list with nothing to show, and what to do about it.
import type { ReactNode } from "react";
import { Icon, type IconName } from "./icons";
import styles from "./blank.module.css";

export function Blank({ icon, title, text, action, testId }: { icon: IconName; title: string; text: string; action?: ReactNode; testId?: string }) {
  return (
    <div className={styles.blank} data-testid={testId}>
      <span className={styles.disc}><Icon name={icon} size={26} /></span>
      <h1>{title}</h1>
      <p>{text}</p>
      {action}
    </div>
  );
}
