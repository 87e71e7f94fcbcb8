import { describe, expect, it } from "vitest";
import { rows } from "./collection";
import type { Action, Goal, Note, PageEvent, Session, Topic } from "./entities";
import { answered, began, openPage, refused, sessionPage, type Input, type LoadedPage, type Origin, type SessionPage } from "./session-page";

const HERE = "session-1";
const COUPLE = "relationship-1";
const at = (second: number) => `2026-11-23T10:00:${String(second).padStart(2, "0")}Z`;
const action = (id: string, body: string, second = 1, session = HERE): Action => ({ id, coaching_session_id: session, user_id: "coach", body, status: "NotStarted", status_changed_at: at(1), created_at: at(1), updated_at: at(second), assignee_ids: [] }) as Action;
const goal = (id: string, title: string): Goal => ({ id, coaching_relationship_id: COUPLE, user_id: "coach", title, status: "NotStarted", created_at: at(1), updated_at: at(1) }) as Goal;
const note = (id: string, body: string): Note => ({ id, coaching_session_id: HERE, user_id: "coach", body, created_at: at(1), updated_at: at(1) }) as Note;
const topic = (id: string, body: string, second = 1): Topic => ({ id, coaching_session_id: HERE, body, priority: null, status: "Open", user_id: "coach", created_at: at(1), updated_at: at(second) });
const session: Session = { id: HERE, coaching_relationship_id: COUPLE, date: at(0), title: "Before" };
const EMPTY: LoadedPage = { session, actions: [], agreements: [], goals: [], links: [], notes: [], topics: [], presence: [] };
const OTHERS: Origin = { own: false, correlationId: "elsewhere", at: at(7) };

const loaded = (page: Partial<LoadedPage> = {}, turn = 1): Input => ({ type: "loaded", turn, page: { ...EMPTY, ...page } });
const told = (event: PageEvent, origin: Origin = OTHERS): Input => ({ type: "event", event, origin });
const run = (...inputs: Input[]): SessionPage => inputs.reduce(sessionPage, openPage(HERE));
const actions = (page: SessionPage) => rows(page.pieces.actions).map(({ entity }) => entity.body);
const created = (one: Action): PageEvent => ({ type: "action_created", data: { coaching_session_id: one.coaching_session_id, action: one } });
const updated = (one: Action): PageEvent => ({ type: "action_updated", data: { coaching_session_id: one.coaching_session_id, action: one } });
const topicsChanged: PageEvent = { type: "topics_changed", data: { coaching_session_id: HERE } };

describe("events of others", () => {
  it("patch the page from their payload", () => {
    expect(actions(run(loaded(), told(created(action("a", "new"))), told(updated(action("a", "changed", 2)))))).toEqual(["changed"]);
    expect(actions(run(loaded({ actions: [action("a", "old")] }), told({ type: "action_deleted", data: { coaching_session_id: HERE, action_id: "a" } })))).toEqual([]);
  });

  it("may come twice", () => {
    const event = told(created(action("a", "new")));
    expect(actions(run(loaded(), event, event))).toEqual(["new"]);
  });

  it("that are older than what is shown change nothing", () => {
    const page = run(loaded({ actions: [action("a", "newer", 5)] }));
    expect(sessionPage(page, told(updated(action("a", "older", 2))))).toBe(page);
  });

  it("about another session or another relationship change nothing", () => {
    const page = run(loaded());
    expect(sessionPage(page, told(created(action("a", "elsewhere", 1, "session-2"))))).toBe(page);
    expect(sessionPage(page, told({ type: "goal_created", data: { coaching_relationship_id: "relationship-2", goal: { ...goal("g", "elsewhere"), coaching_relationship_id: "relationship-2" } } }))).toBe(page);
    expect(sessionPage(page, told({ type: "coaching_session_goal_created", data: { coaching_relationship_id: COUPLE, coaching_session_id: "session-2", goal_id: "g" } }))).toBe(page);
    expect(sessionPage(page, told({ type: "topics_changed", data: { coaching_session_id: "session-2" } }))).toBe(page);
  });

  it("reach every kind of entity", () => {
    const page = run(
      loaded(),
      told({ type: "goal_created", data: { coaching_relationship_id: COUPLE, goal: goal("g", "Go there") } }),
      told({ type: "coaching_session_goal_created", data: { coaching_relationship_id: COUPLE, coaching_session_id: HERE, goal_id: "g" } }),
      told({ type: "note_created", data: { coaching_session_id: HERE, note: note("n", "Remember") } }),
      told({ type: "presence_changed", data: { user_id: "coach", presence: "reconnecting" } }),
      told({ type: "meeting_recording_updated", data: { coaching_session_id: HERE } }),
    );
    expect(rows(page.pieces.goals).map(({ entity }) => entity.title)).toEqual(["Go there"]);
    expect(rows(page.pieces.links).map(({ entity }) => entity.id)).toEqual(["g"]);
    expect(rows(page.pieces.notes).map(({ entity }) => entity.body)).toEqual(["Remember"]);
    expect(page.presence).toEqual({ coach: "reconnecting" });
    expect(page.media).toEqual({ recording: at(7), transcription: null });
    const without = sessionPage(page, told({ type: "goal_deleted", data: { coaching_relationship_id: COUPLE, goal_id: "g" } }));
    expect([rows(without.pieces.goals), rows(without.pieces.links)]).toEqual([[], []]);
  });

  it("that take the session or its relationship away are said, until a load succeeds again", () => {
    const lost = (about: { kind: "coaching_session" | "coaching_relationship" | "topic"; id: string }): Input => told({ type: "application_error", data: { code: "permission_lost", message: "It has ended.", about, correlation_id: null, retryable: false } });
    expect(run(loaded(), lost({ kind: "coaching_relationship", id: COUPLE })).lost).toBe("It has ended.");
    expect(run(loaded(), lost({ kind: "coaching_session", id: HERE })).lost).toBe("It has ended.");
    expect(run(loaded(), lost({ kind: "coaching_session", id: "session-2" }), lost({ kind: "topic", id: HERE })).lost).toBeNull();
    expect(run(loaded(), lost({ kind: "coaching_session", id: HERE }), loaded({}, 2)).lost).toBeNull();
  });

  it("that carry only the session's id ask for that piece alone", () => {
    expect(run(loaded(), told(topicsChanged)).stale).toEqual({ topics: 1, sessions: 0 });
    expect(run(loaded(), told({ type: "coaching_session_title_updated", data: { coaching_session_id: HERE } })).stale).toEqual({ topics: 0, sessions: 1 });
  });
});

describe("this tab's own events", () => {
  const mine: Origin = { own: true, correlationId: "c1", at: at(7) };
  const change = { kind: "put", id: "c1", entity: action("new-1", "mine") } as const;
  const saved = action("a", "mine", 2);

  it("are skipped when the answer is in", () => {
    const page = run(loaded(), began("actions", change), answered("actions", change, saved));
    expect(sessionPage(page, told(created({ ...saved }), mine))).toBe(page);
  });

  it("settle the change when they come before the answer", () => {
    const page = run(loaded(), began("actions", change), told(created(saved), mine));
    expect(rows(page.pieces.actions)).toEqual([{ entity: saved, saving: false }]);
  });

  it("are applied again when a load that was read before the change came in between", () => {
    expect(actions(run(loaded(), began("actions", change), answered("actions", change, saved), loaded({}, 2), told(created(saved), mine)))).toEqual(["mine"]);
  });

  it("ask for no refetch when the answer is in", () => {
    const topicChange = { kind: "put", id: "c1", entity: topic("new-1", "mine") } as const;
    const page = run(loaded(), began("topics", topicChange), answered("topics", topicChange, topic("t", "mine")), told(topicsChanged, mine));
    expect(page.stale.topics).toBe(0);
  });
});

it("a refused change leaves what the server has", () => {
  const change = { kind: "put", id: "c1", entity: action("a", "mine") } as const;
  const page = run(loaded({ actions: [action("a", "before")] }), began("actions", change), refused("actions", change, action("a", "theirs", 4)));
  expect(rows(page.pieces.actions)).toEqual([{ entity: action("a", "theirs", 4), saving: false }]);
});

describe("loads", () => {
  it("that end after a newer one are dropped", () => {
    expect(actions(run(loaded({ actions: [action("a", "newer load")] }, 2), loaded({ actions: [action("a", "older load")] }, 1)))).toEqual(["newer load"]);
  });

  it("of a page do not undo a newer load of one piece", () => {
    const page = run(loaded(), { type: "topics_loaded", turn: 3, topics: [topic("t", "newer")] }, loaded({ topics: [] }, 2));
    expect(rows(page.pieces.topics).map(({ entity }) => entity.body)).toEqual(["newer"]);
    const late = sessionPage(page, { type: "topics_loaded", turn: 2, topics: [] });
    expect(late).toBe(page);
  });

  it("of another session change nothing", () => {
    const page = run(loaded());
    expect(sessionPage(page, loaded({ session: { ...session, id: "session-2" } }, 2))).toBe(page);
    expect(sessionPage(page, { type: "session_loaded", turn: 2, session: { ...session, id: "session-2" } })).toBe(page);
  });

  it("of the session bring the new title", () => {
    const page = run(loaded(), { type: "session_loaded", turn: 2, session: { ...session, title: "After" } });
    expect(rows(page.pieces.sessions)[0]?.entity.title).toBe("After");
  });
});
