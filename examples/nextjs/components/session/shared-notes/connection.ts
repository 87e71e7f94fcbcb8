"use client";
// The text of one session and its connection, from when it is opened until the page goes elsewhere.
import { HocuspocusProvider } from "@hocuspocus/provider";
import { useEffect, useState } from "react";
import { NOTES } from "@/lib/connection-view";
import { useApp } from "@/components/shell/app-context";
import { useConnections } from "@/components/shell/connections";

/** What every page says of itself to the others. */
interface Presence {
  readonly user?: string;
  /** Whether the cursor is in the text. */
  readonly writing?: boolean;
}

export interface SharedText {
  readonly provider: HocuspocusProvider;
  /** Whether the text was here once; before that an empty one would look as if it were it. */
  readonly loaded: boolean;
  /** Whether something that was written here is not at the server. */
  readonly unsynced: boolean;
}

/** `onWriters` hears who has the cursor in the text, this person left out; it must keep its identity. */
export function useSharedText(sessionId: string, port: number, onWriters: (userIds: readonly string[]) => void): SharedText | null {
  const { me, logIns } = useApp();
  const { attach } = useConnections();
  const [text, setText] = useState<SharedText | null>(null);

  useEffect(() => {
    // The server asks the app about the cookie, which a browser sends to every port of a host; a token is only expected.
    const provider = new HocuspocusProvider({ url: `${location.protocol === "https:" ? "wss" : "ws"}://${location.hostname}:${port}`, name: sessionId, token: "cookie" });
    const detach = attach(NOTES, { emitter: provider, reconnect: () => void provider.connect() });
    setText({ provider, loaded: false, unsynced: false });
    provider.on("synced", () => setText((now) => now && { ...now, loaded: true }));
    provider.on("unsyncedChanges", () => setText((now) => (now && now.unsynced !== provider.hasUnsyncedChanges ? { ...now, unsynced: provider.hasUnsyncedChanges } : now)));
    provider.on("awarenessChange", ({ states }: { states: readonly Presence[] }) => {
      onWriters(states.flatMap(({ user, writing }) => (writing && user !== undefined && user !== me.id ? [user] : [])));
    });
    provider.setAwarenessField("user", me.id);
    return () => {
      detach();
      provider.destroy();
      provider.document.destroy();
      onWriters([]);
      setText(null);
    };
  }, [sessionId, port, me.id, attach, onWriters]);

  useEffect(() => {
    if (logIns > 0) void text?.provider.connect();
    // Only a log-in is a reason, not another text.
  }, [logIns]);

  const unsynced = text?.unsynced ?? false;
  useEffect(() => {
    if (!unsynced) return;
    const stay = (event: BeforeUnloadEvent) => event.preventDefault();
    addEventListener("beforeunload", stay);
    return () => removeEventListener("beforeunload", stay);
  }, [unsynced]);

  return text;
}
