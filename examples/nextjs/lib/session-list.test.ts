import { expect, it } from "vitest";
import type { Session } from "./entities";
import { EMPTY_LIST, sessionList, type ListInput } from "./session-list";

const session = (id: string, title: string, relationship = "r"): Session => ({ id, coaching_relationship_id: relationship, date: "2026-11-23T10:00:00Z", title });
const loaded = (turn: number, ...sessions: Session[]): ListInput => ({ type: "loaded", turn, list: { relationships: [], relationshipId: "r", sessions, presence: [{ user_id: "u", presence: "offline" }] } });
const run = (...inputs: ListInput[]) => inputs.reduce(sessionList, EMPTY_LIST);
const titleUpdated = (id: string): ListInput => ({ type: "event", event: { type: "coaching_session_title_updated", data: { coaching_session_id: id } } });

it("a new title is asked for once per session, and only for sessions of the list", () => {
  expect(run(loaded(1, session("s", "old")), titleUpdated("s"), titleUpdated("s"), titleUpdated("elsewhere")).stale).toEqual(["s"]);
});

it("the refetched session replaces the old one and is no longer asked for", () => {
  const list = run(loaded(1, session("s", "old")), titleUpdated("s"), { type: "session", session: session("s", "new") });
  expect([list.stale, list.sessions.confirmed.get("s")?.title]).toEqual([[], "new"]);
});

it("a session of another relationship stays out", () => {
  expect(run(loaded(1), { type: "session", session: session("s", "theirs", "other") }).sessions.confirmed.size).toBe(0);
});

it("an older load that ends later is dropped", () => {
  expect([...run(loaded(2, session("new", "")), loaded(1, session("old", ""))).sessions.confirmed.keys()]).toEqual(["new"]);
});

it("presence that is asked for again replaces what was last heard", () => {
  const heard: ListInput = { type: "event", event: { type: "presence_changed", data: { user_id: "u", presence: "online" } } };
  expect(run(loaded(1), heard, { type: "presence_loaded", presence: [{ user_id: "u", presence: "offline" }] }).presence).toEqual({ u: "offline" });
});

it("presence follows its events", () => {
  expect(run(loaded(1), { type: "event", event: { type: "presence_changed", data: { user_id: "u", presence: "online" } } }).presence).toEqual({ u: "online" });
});
