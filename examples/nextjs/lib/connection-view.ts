// What the state of the page's connections is in words. What can be done about it is the package's `useConnectionStatus`.
import type { CombinedStatus, PartState } from "@tidings/client/combine";

export interface ConnectionWords {
  readonly title: string;
  readonly detail: string | null;
}

/** The part of the combined state that is the shared notes. */
export const NOTES = "notes";

const WORDS: Readonly<Record<CombinedStatus, ConnectionWords>> = {
  connecting: { title: "Connecting", detail: null },
  online: { title: "Live", detail: null },
  reconnecting: { title: "Reconnecting", detail: "Live updates are paused. Nothing is lost: they catch up by themselves." },
  offline: { title: "You are offline", detail: "Your device reports no network. Live updates resume when it is back." },
  "editing-offline": { title: "Editing offline", detail: "What you write in the notes stays on this page, and syncs when the connection is back." },
  "long-broken": { title: "Still no connection", detail: "What you see may be out of date. We keep trying." },
  unauthorized: { title: "Your log-in has ended", detail: "Log in again to go on where you are." },
  closed: { title: "Live updates are off", detail: "Reload the page to see what others change." },
};
const NOTES_LONG_BROKEN: ConnectionWords = { title: "The shared notes have no connection", detail: "Everything else is live. What you write in the notes stays on this page; we keep trying." };

export function connectionWords(status: string, parts: readonly PartState[] = []): ConnectionWords {
  if (status === "long-broken" && parts.every((part) => part.name === NOTES || part.status === "online") && parts.length > 1) return NOTES_LONG_BROKEN;
  return WORDS[status as CombinedStatus] ?? WORDS.connecting; // `idle` is about to connect.
}
