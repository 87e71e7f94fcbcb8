"use client";
// One line of a list: its text, edited in place, with whatever the section puts beside it.
//
// An edit remembers the version it began from. When somebody else's version arrives meanwhile, it is shown and offered.
import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent, type ReactNode } from "react";
import type { ApiFailure } from "@/lib/api";
import type { Row } from "@/lib/collection";
import { Button, IconButton } from "@/components/ui/button";
import { Icon } from "@/components/ui/icons";
import field from "@/components/ui/field.module.css";
import { RemoveButton } from "./remove-button";
import styles from "./entry.module.css";

interface Texted {
  readonly id: string;
  readonly user_id: string;
  readonly updated_at: string;
}

interface Props<T extends Texted> {
  readonly row: Row<T>;
  /** What one of these is called, for labels: "action". */
  readonly noun: string;
  readonly textOf: (entity: T) => string;
  readonly withText: (entity: T, text: string) => T;
  readonly onSave: (entity: T) => Promise<ApiFailure | null>;
  readonly onRemove?: (entity: T) => void;
  readonly author?: string;
  readonly done?: boolean;
  readonly lead?: ReactNode;
  readonly children?: ReactNode;
}

interface Edit<T> {
  readonly draft: string;
  readonly base: T;
  readonly problem: string | null;
}

export function Entry<T extends Texted>({ row: { entity, saving }, noun, textOf, withText, onSave, onRemove, author, done = false, lead, children }: Props<T>) {
  const [edit, setEdit] = useState<Edit<T> | null>(null);
  const pencil = useRef<HTMLButtonElement>(null);
  const text = textOf(entity);
  const short = text.length > 40 ? `${text.slice(0, 40)}…` : text;

  const close = () => {
    setEdit(null);
    requestAnimationFrame(() => pencil.current?.focus());
  };
  const save = async ({ draft, base }: Edit<T>) => {
    const changed = draft.trim();
    if (changed === textOf(base)) return close();
    const from = textOf(base) === text ? entity : base; // Another field may have moved on: that is no conflict of texts.
    close();
    const failure = await onSave(withText({ ...entity, updated_at: from.updated_at }, changed));
    if (failure !== null && failure.code !== "not_found") setEdit({ draft, base: from, problem: failure.message });
  };

  return (
    <li className={styles.entry} data-testid={noun} data-id={entity.id} data-saving={saving} data-done={done}>
      {lead}
      <div className={styles.body}>
        {edit === null
          ? <p className={styles.text} data-testid={`${noun}-text`}>{text}</p>
          : <EditForm edit={edit} noun={noun} theirs={entity.updated_at !== edit.base.updated_at && text !== textOf(edit.base) ? text : null} onDraft={(draft) => setEdit({ ...edit, draft, problem: null })} onSave={() => void save(edit)} onCancel={close} onKeep={() => setEdit({ ...edit, base: entity, problem: null })} onTakeTheirs={close} />}
        <div className={styles.under}>
          {children}
          {author && <span className={styles.author}>{author}</span>}
          <span className={styles.saving} aria-live="polite">{saving ? "Saving…" : ""}</span>
        </div>
      </div>
      {edit === null && (
        <div className={styles.tools}>
          <IconButton ref={pencil} icon="pencil" label={`Edit ${noun}: ${short}`} data-testid={`edit-${noun}`} aria-disabled={saving} onClick={() => saving || setEdit({ draft: text, base: entity, problem: null })} />
          {onRemove && <RemoveButton label={`Delete ${noun}: ${short}`} testId={`delete-${noun}`} onRemove={() => saving || onRemove(entity)} />}
        </div>
      )}
    </li>
  );
}

interface EditFormProps {
  readonly edit: { readonly draft: string; readonly problem: string | null };
  readonly noun: string;
  readonly theirs: string | null;
  readonly onDraft: (draft: string) => void;
  readonly onSave: () => void;
  readonly onCancel: () => void;
  readonly onKeep: () => void;
  readonly onTakeTheirs: () => void;
}

function EditForm({ edit, noun, theirs, onDraft, onSave, onCancel, onKeep, onTakeTheirs }: EditFormProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    area.current?.focus();
    area.current?.setSelectionRange(area.current.value.length, area.current.value.length);
  }, []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSave();
  };
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") onCancel();
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) onSave();
  };
  return (
    <form className={styles.form} onSubmit={submit}>
      <textarea ref={area} className={field.input} rows={2} value={edit.draft} aria-label={`Text of the ${noun}`} aria-invalid={edit.problem !== null} data-testid={`${noun}-input`} onChange={(event) => onDraft(event.target.value)} onKeyDown={keys} />
      <div role="alert">
        {theirs !== null && (
          <div className={styles.conflict} data-testid="conflict">
            <p className={styles.conflictTitle}><Icon name="swap" /> Changed by somebody else while you were editing</p>
            <blockquote data-testid="conflict-theirs">{theirs}</blockquote>
            <div className={styles.row}>
              <Button data-testid="take-theirs" onClick={onTakeTheirs}>Use theirs</Button>
              <Button data-testid="keep-mine" onClick={onKeep}>Keep mine</Button>
            </div>
          </div>
        )}
        {theirs === null && edit.problem !== null && <p className={field.problem} data-testid="problem"><Icon name="warn" /> {edit.problem}</p>}
      </div>
      <div className={styles.row}>
        <Button look="primary" type="submit" data-testid={`save-${noun}`} disabled={theirs !== null}>Save</Button>
        <Button look="ghost" onClick={onCancel}>Cancel</Button>
      </div>
    </form>
  );
}
