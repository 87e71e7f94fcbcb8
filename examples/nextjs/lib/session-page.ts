// The session page as a fold: `(state, input) -> state`, from REST loads, events, and the answers to this tab's changes.
//
// It fetches nothing. What an event announces without carrying it is counted in `stale`, and the page refetches.
import { answer, begin, empty, patch, refuse, remove, replace, settle, type Change, type Collection } from "./collection";
import { byPerson, type Action, type Agreement, type ApplicationError, type Goal, type GoalLink, type Note, type PageEvent, type PersonPresence, type Presence, type Session, type Topic } from "./entities";

/** The kinds of entity on the page. `sessions` holds the one session, so that its title is saved like everything else. */
export interface Pieces {
  readonly sessions: Session;
  readonly actions: Action;
  readonly agreements: Agreement;
  readonly goals: Goal;
  readonly links: GoalLink;
  readonly notes: Note;
  readonly topics: Topic;
}
export type Piece = keyof Pieces;
type Collections = { readonly [K in Piece]: Collection<Pieces[K]> };

/** The pieces whose events carry only the session's id. */
export type Announced = "sessions" | "topics";

export interface SessionPage {
  readonly sessionId: string;
  readonly relationshipId: string | null;
  readonly pieces: Collections;
  readonly presence: Readonly<Record<string, Presence>>;
  /** When the recording and the transcript were last said to have changed. */
  readonly media: { readonly recording: string | null; readonly transcription: string | null };
  /** Why the person may no longer see this session, once that is so. */
  readonly lost: string | null;
  /** How often each piece was announced to be out of date. */
  readonly stale: Readonly<Record<Announced, number>>;
  /** The turn of the load that each piece comes from: an older load that ends later is dropped. */
  readonly turns: Readonly<Record<Announced | "page", number>>;
}

export interface LoadedPage {
  readonly session: Session;
  readonly actions: readonly Action[];
  readonly agreements: readonly Agreement[];
  readonly goals: readonly Goal[];
  readonly links: readonly GoalLink[];
  readonly notes: readonly Note[];
  readonly topics: readonly Topic[];
  readonly presence: readonly PersonPresence[];
}

export interface Origin {
  readonly own: boolean;
  readonly correlationId: string | null;
  readonly at: string;
}

export type Input =
  | { readonly type: "loaded"; readonly turn: number; readonly page: LoadedPage }
  | { readonly type: "session_loaded"; readonly turn: number; readonly session: Session }
  | { readonly type: "topics_loaded"; readonly turn: number; readonly topics: readonly Topic[] }
  | { readonly type: "presence_loaded"; readonly presence: readonly PersonPresence[] }
  | { readonly type: "event"; readonly event: PageEvent; readonly origin: Origin }
  | { readonly type: "changed"; readonly fold: (pieces: Collections) => Collections };

export function openPage(sessionId: string): SessionPage {
  return {
    sessionId,
    relationshipId: null,
    pieces: { sessions: empty(), actions: empty(), agreements: empty(), goals: empty(), links: empty(), notes: empty(), topics: empty() },
    presence: {},
    media: { recording: null, transcription: null },
    lost: null,
    stale: { sessions: 0, topics: 0 },
    turns: { page: 0, sessions: 0, topics: 0 },
  };
}

/** This tab's change, shown at once. */
export function began<K extends Piece>(piece: K, change: Change<Pieces[K]>): Input {
  return changed(piece, (collection) => begin(collection, change));
}

/** The server's answer to it. */
export function answered<K extends Piece>(piece: K, change: Change<Pieces[K]>, entity: Pieces[K] | null): Input {
  return changed(piece, (collection) => answer(collection, change, entity));
}

/** The server's refusal, with what it has instead where it says so. */
export function refused<K extends Piece>(piece: K, change: Change<Pieces[K]>, current: Pieces[K] | null): Input {
  return changed(piece, (collection) => refuse(collection, change.id, current));
}

export function sessionPage(state: SessionPage, input: Input): SessionPage {
  switch (input.type) {
    case "loaded":
      return loaded(state, input.turn, input.page);
    case "session_loaded":
      if (input.session.id !== state.sessionId || input.turn < state.turns.sessions) return state;
      return { ...fold(state, "sessions", (sessions) => replace(sessions, [input.session])), turns: { ...state.turns, sessions: input.turn } };
    case "topics_loaded":
      if (input.turn < state.turns.topics) return state;
      return { ...fold(state, "topics", (topics) => replace(topics, input.topics)), turns: { ...state.turns, topics: input.turn } };
    case "presence_loaded":
      return { ...state, presence: { ...state.presence, ...byPerson(input.presence) } };
    case "event":
      return isHere(state, input.event) ? event(state, input.event, input.origin) : state;
    case "changed":
      return { ...state, pieces: input.fold(state.pieces) };
  }
}

function loaded(state: SessionPage, turn: number, page: LoadedPage): SessionPage {
  if (page.session.id !== state.sessionId || turn < state.turns.page) return state;
  const { pieces } = state;
  return {
    ...state,
    relationshipId: page.session.coaching_relationship_id,
    pieces: {
      sessions: turn < state.turns.sessions ? pieces.sessions : replace(pieces.sessions, [page.session]),
      actions: replace(pieces.actions, page.actions),
      agreements: replace(pieces.agreements, page.agreements),
      goals: replace(pieces.goals, page.goals),
      links: replace(pieces.links, page.links),
      notes: replace(pieces.notes, page.notes),
      topics: turn < state.turns.topics ? pieces.topics : replace(pieces.topics, page.topics),
    },
    presence: byPerson(page.presence),
    lost: null,
    turns: { page: turn, sessions: Math.max(turn, state.turns.sessions), topics: Math.max(turn, state.turns.topics) },
  };
}

function isHere(state: SessionPage, { data }: PageEvent): boolean {
  if ("coaching_session_id" in data) return data.coaching_session_id === state.sessionId;
  if ("coaching_relationship_id" in data) return data.coaching_relationship_id === state.relationshipId;
  return true;
}

function isPlace({ sessionId, relationshipId }: SessionPage, about: ApplicationError["about"]): boolean {
  if (about === null) return false;
  return (about.kind === "coaching_session" && about.id === sessionId) || (about.kind === "coaching_relationship" && about.id === relationshipId);
}

function event(state: SessionPage, { type, data }: PageEvent, origin: Origin): SessionPage {
  switch (type) {
    case "action_created":
    case "action_updated":
      return told(state, "actions", origin, (actions) => patch(actions, data.action));
    case "action_deleted":
      return told(state, "actions", origin, (actions) => remove(actions, data.action_id));
    case "agreement_created":
    case "agreement_updated":
      return told(state, "agreements", origin, (agreements) => patch(agreements, data.agreement));
    case "agreement_deleted":
      return told(state, "agreements", origin, (agreements) => remove(agreements, data.agreement_id));
    case "goal_created":
    case "goal_updated":
      return told(state, "goals", origin, (goals) => patch(goals, data.goal));
    case "goal_deleted":
      return told(fold(state, "links", (links) => remove(links, data.goal_id)), "goals", origin, (goals) => remove(goals, data.goal_id));
    case "coaching_session_goal_created":
      return told(state, "links", origin, (links) => patch(links, { id: data.goal_id }));
    case "coaching_session_goal_deleted":
      return told(state, "links", origin, (links) => remove(links, data.goal_id));
    case "note_created":
    case "note_updated":
      return told(state, "notes", origin, (notes) => patch(notes, data.note));
    case "topics_changed":
      return announced(state, "topics", origin);
    case "coaching_session_title_updated":
      return announced(state, "sessions", origin);
    case "meeting_recording_updated":
      return { ...announced(state, "sessions", origin), media: { ...state.media, recording: origin.at } };
    case "transcription_updated":
      return { ...announced(state, "sessions", origin), media: { ...state.media, transcription: origin.at } };
    case "presence_changed":
      return { ...state, presence: { ...state.presence, [data.user_id]: data.presence } };
    case "application_error":
      return data.code === "permission_lost" && isPlace(state, data.about) ? { ...state, lost: data.message } : state;
    case "force_logout":
    case "system_announcement":
      return state;
  }
}

/** An event that carries its entity. The own one is skipped when its answer is already in, and settles the change when it is not. */
function told<K extends Piece>(state: SessionPage, piece: K, origin: Origin, apply: (collection: Collection<Pieces[K]>) => Collection<Pieces[K]>): SessionPage {
  return fold(state, piece, (collection) => (isAnswered(collection, origin) ? collection : apply(origin.own ? settle(collection, origin.correlationId) : collection)));
}

function announced(state: SessionPage, piece: Announced, origin: Origin): SessionPage {
  if (isAnswered(state.pieces[piece], origin)) return state;
  return { ...state, stale: { ...state.stale, [piece]: state.stale[piece] + 1 } };
}

function isAnswered({ answered }: { readonly answered: readonly string[] }, origin: Origin): boolean {
  return origin.own && origin.correlationId !== null && answered.includes(origin.correlationId);
}

function changed<K extends Piece>(piece: K, apply: (collection: Collection<Pieces[K]>) => Collection<Pieces[K]>): Input {
  return { type: "changed", fold: (pieces) => ({ ...pieces, [piece]: apply(pieces[piece]) }) };
}

function fold<K extends Piece>(state: SessionPage, piece: K, apply: (collection: Collection<Pieces[K]>) => Collection<Pieces[K]>): SessionPage {
  const next = apply(state.pieces[piece]);
  return next === state.pieces[piece] ? state : { ...state, pieces: { ...state.pieces, [piece]: next } };
}
