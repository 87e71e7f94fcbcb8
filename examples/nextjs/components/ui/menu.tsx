"use client";
// A button that discloses a short list of actions; Escape, a click elsewhere, and a choice close it.
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import styles from "./menu.module.css";

export function Menu({ label, button, testId, children }: { label: string; button: ReactNode; testId: string; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const trigger = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const elsewhere = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const escape = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      trigger.current?.focus();
    };
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    document.addEventListener("keydown", escape);
    return () => {
      document.removeEventListener("pointerdown", elsewhere);
      document.removeEventListener("focusin", elsewhere);
      document.removeEventListener("keydown", escape);
    };
  }, [open]);
  return (
    <div className={styles.root} ref={root}>
      <button ref={trigger} type="button" className={styles.trigger} aria-label={label} title={label} aria-expanded={open} aria-controls={id} data-testid={testId} onClick={() => setOpen(!open)}>{button}</button>
      <div id={id} className={styles.list} hidden={!open} onClick={() => setOpen(false)}>{children}</div>
    </div>
  );
}

export function MenuItem({ danger = false, testId, onSelect, children }: { danger?: boolean; testId: string; onSelect: () => void; children: ReactNode }) {
  return <button type="button" className={danger ? `${styles.item} ${styles.danger}` : styles.item} data-testid={testId} onClick={onSelect}>{children}</button>;
}
