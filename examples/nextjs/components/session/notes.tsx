"use client";
// The notes of a session: one text that both write together, and single notes beneath it.
import dynamic from "next/dynamic";
import { useEffect, useState } from "react";
import { useConnectionState } from "@tidings/coaching-events/react";
import { rows } from "@/lib/collection";
import type { Note } from "@/lib/entities";
import { useApp } from "@/components/shell/app-context";
import { Entry } from "./entry";
import { AddForm, Section } from "./section";
import { Skeleton } from "./shared-notes/skeleton";
import { unnamed, type ListProps } from "./lists";

const SharedNotes = dynamic(() => import("./shared-notes/editor"), { ssr: false, loading: Skeleton });

export function Notes({ live: { page, save }, authorOf, onWriters }: ListProps & { onWriters: (userIds: readonly string[]) => void }) {
  const { api, me } = useApp();
  const port = useSharedNotesPort();
  const notes = rows(page.pieces.notes);
  const add = (body: string) => {
    const note: Note = { ...unnamed(me.id), coaching_session_id: page.sessionId, body };
    return save.put("notes", note, (id) => api.createNote(note, id));
  };
  return (
    <Section title="Notes" icon="pencil" count={notes.length} hint={port === null ? "What is worth remembering?" : undefined} testId="notes" add={<AddForm noun="note" placeholder="Write a note" tall={port === null} onAdd={add} />}>
      {port === undefined && <Skeleton />}
      {typeof port === "number" && <SharedNotes sessionId={page.sessionId} port={port} onWriters={onWriters} />}
      <ul>
        {notes.map((row) => (
          <Entry key={row.entity.id} row={row} noun="note" author={authorOf(row.entity)} textOf={(note) => note.body ?? ""} withText={(note, body) => ({ ...note, body })}
            onSave={(note) => save.put("notes", note, (id) => api.saveNote(note, id))} />
        ))}
      </ul>
    </Section>
  );
}

/** Where the text is shared; null where it is not, undefined while nobody has said. Asked until it is known, whenever a stream begins. */
function useSharedNotesPort(): number | null | undefined {
  const { api } = useApp();
  const begun = useConnectionState((state) => (state.status === "online" ? state.since : null));
  const [port, setPort] = useState<number | null>();
  useEffect(() => {
    if (port !== undefined) return;
    const abort = new AbortController();
    api.sharedNotesPort(abort.signal).then(setPort, () => undefined); // The page is whole without, and asks again.
    return () => abort.abort();
  }, [api, begun, port]);
  return port;
}
