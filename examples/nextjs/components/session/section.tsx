"use client";
// A card of the session page: a heading, its list, and the form that adds to it.
import { useState, type FormEvent, type ReactNode } from "react";
import type { ApiFailure } from "@/lib/api";
import { Button } from "@/components/ui/button";
import { Icon, type IconName } from "@/components/ui/icons";
import field from "@/components/ui/field.module.css";
import styles from "./section.module.css";

export function Section({ title, icon, count, hint, testId, children, add }: { title: string; icon: IconName; count?: number; hint?: string; testId: string; children?: ReactNode; add?: ReactNode }) {
  const id = `${testId}-title`;
  return (
    <section className={styles.card} aria-labelledby={id} data-testid={testId}>
      <div className={styles.head}>
        <Icon name={icon} />
        <h2 id={id}>{title}</h2>
        {count !== undefined && <span className={styles.count} aria-label={`${count} in the list`}>{count}</span>}
      </div>
      {hint && count === 0 && <p className={styles.hint}>{hint}</p>}
      {children}
      {add}
    </section>
  );
}

/** The text is gone as soon as it is sent, and comes back when the server refuses it. */
export function AddForm({ noun, placeholder, tall = false, onAdd }: { noun: string; placeholder: string; tall?: boolean; onAdd: (text: string) => Promise<ApiFailure | null> }) {
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "") return;
    setText("");
    setProblem(null);
    const failure = await onAdd(text.trim());
    if (failure === null) return;
    setText((typed) => typed || text);
    setProblem(failure.message);
  };
  const shared = { className: field.input, value: text, placeholder, "aria-label": placeholder, "aria-invalid": problem !== null, "data-testid": `new-${noun}` } as const;
  return (
    <form className={styles.add} onSubmit={(event) => void submit(event)}>
      {tall
        ? <textarea {...shared} rows={2} onChange={(event) => setText(event.target.value)} />
        : <input {...shared} onChange={(event) => setText(event.target.value)} />}
      <Button type="submit" data-testid={`add-${noun}`} aria-label={`Add ${noun}`}><Icon name="plus" /> Add</Button>
      <p role="alert" className={field.problem}>{problem && <><Icon name="warn" /> {problem}</>}</p>
    </form>
  );
}
