"use client";
import { EventType } from "@tidings/coaching-events";
import { BackendEventProvider, useBackendEvent, useConnectionState } from "@tidings/coaching-events/react";
import { useState } from "react";

const events = () => new URLSearchParams(location.search).get("events") ?? "/sse";

export function Live() {
  return (
    <BackendEventProvider options={{ url: events }}>
      <Notes />
    </BackendEventProvider>
  );
}

function Notes() {
  const [notes, setNotes] = useState<string[]>([]);
  const status = useConnectionState((state) => state.status);
  useBackendEvent(EventType.NoteCreated, ({ note }) => setNotes((before) => [...before, note.id]));
  return (
    <main>
      <p data-testid="state">{status}</p>
      {notes.map((id) => (
        <p data-testid="note" key={id}>{id}</p>
      ))}
    </main>
  );
}
