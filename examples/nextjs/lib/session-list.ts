// The list of sessions as a fold, like the session page: loads, events, and this tab's own new session.
import { empty, patch, replace, type Collection } from "./collection";
import { byPerson, type PageEvent, type PersonPresence, type Presence, type Relationship, type Session } from "./entities";

export interface SessionList {
  readonly relationships: readonly Relationship[];
  /** Whose sessions are shown; null while nothing is loaded, and for somebody without any relationship. */
  readonly relationshipId: string | null;
  readonly sessions: Collection<Session>;
  readonly presence: Readonly<Record<string, Presence>>;
  /** Sessions whose title was announced to have changed, in the order of the announcements. */
  readonly stale: readonly string[];
  readonly turn: number;
}

export interface LoadedList {
  readonly relationships: readonly Relationship[];
  readonly relationshipId: string | null;
  readonly sessions: readonly Session[];
  readonly presence: readonly PersonPresence[];
}

export type ListInput =
  | { readonly type: "loaded"; readonly turn: number; readonly list: LoadedList }
  | { readonly type: "session"; readonly session: Session }
  | { readonly type: "presence_loaded"; readonly presence: readonly PersonPresence[] }
  | { readonly type: "event"; readonly event: PageEvent };

export const EMPTY_LIST: SessionList = { relationships: [], relationshipId: null, sessions: empty(), presence: {}, stale: [], turn: 0 };

export function sessionList(state: SessionList, input: ListInput): SessionList {
  switch (input.type) {
    case "loaded": {
      if (input.turn < state.turn) return state;
      const { relationships, relationshipId, sessions, presence } = input.list;
      return { relationships, relationshipId, sessions: replace(empty<Session>(), sessions), presence: byPerson(presence), stale: [], turn: input.turn };
    }
    case "session":
      if (input.session.coaching_relationship_id !== state.relationshipId) return state;
      return { ...state, sessions: patch(state.sessions, input.session), stale: state.stale.filter((id) => id !== input.session.id) };
    case "presence_loaded":
      return { ...state, presence: { ...state.presence, ...byPerson(input.presence) } };
    case "event":
      return event(state, input.event);
  }
}

function event(state: SessionList, { type, data }: PageEvent): SessionList {
  switch (type) {
    case "presence_changed":
      return { ...state, presence: { ...state.presence, [data.user_id]: data.presence } };
    case "coaching_session_title_updated":
      return state.sessions.confirmed.has(data.coaching_session_id) ? { ...state, stale: [...state.stale.filter((id) => id !== data.coaching_session_id), data.coaching_session_id] } : state;
    default:
      return state;
  }
}
