// Whether a person is there: what the event stream says and what the shared notes say, as one.
import type { Presence } from "./entities";

export type ShownPresence = Presence | "writing";

/** Whoever writes is there, whatever the stream has heard of them. */
export function shownPresence(said: Presence | undefined, writing: boolean): ShownPresence {
  return writing ? "writing" : said ?? "offline";
}
