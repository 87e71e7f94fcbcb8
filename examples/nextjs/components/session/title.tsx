"use client";
// The session's title, edited where it stands.
import { useRef, useState, type KeyboardEvent } from "react";
import type { ApiFailure } from "@/lib/api";
import type { Row } from "@/lib/collection";
import type { Session } from "@/lib/entities";
import { Button, IconButton } from "@/components/ui/button";
import field from "@/components/ui/field.module.css";
import styles from "./session.module.css";

export function Title({ row: { entity: session, saving }, onSave }: { row: Row<Session>; onSave: (session: Session) => Promise<ApiFailure | null> }) {
  const [draft, setDraft] = useState<string | null>(null);
  const pencil = useRef<HTMLButtonElement>(null);
  const close = () => {
    setDraft(null);
    requestAnimationFrame(() => pencil.current?.focus());
  };
  const save = async (title: string) => {
    close();
    if (title.trim() === (session.title ?? "")) return;
    if ((await onSave({ ...session, title: title.trim() })) !== null) setDraft(title);
  };
  if (draft === null) {
    return (
      <div className={styles.titleRow} data-saving={saving}>
        <h1 data-testid="session-title">{session.title || "Untitled session"}</h1>
        <IconButton ref={pencil} icon="pencil" label="Edit the title" data-testid="edit-title" aria-disabled={saving} onClick={() => saving || setDraft(session.title ?? "")} />
      </div>
    );
  }
  const keys = (event: KeyboardEvent) => {
    if (event.key === "Escape") close();
  };
  return (
    <form className={styles.titleRow} onSubmit={(event) => {
      event.preventDefault();
      void save(draft);
    }}>
      <input className={`${field.input} ${styles.titleInput}`} autoFocus value={draft} aria-label="Title of the session" data-testid="title-input" onChange={(event) => setDraft(event.target.value)} onKeyDown={keys} />
      <Button look="primary" type="submit" data-testid="save-title">Save</Button>
      <Button look="ghost" onClick={close}>Cancel</Button>
    </form>
  );
}
