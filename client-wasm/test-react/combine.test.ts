/** Several connections as one: every pair of states, and an editor's life. */
import { EventEmitter } from "node:events";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { combineConnectionStates, type CombinedStatus } from "../js/combine.js";
import { createTestProvider, type TestProvider } from "../js/testing.js";
import type { ConnectionState, UnauthorizedError } from "../js/types.js";
import { error, online, outage, type Events } from "./support/contract.js";

const START = 1_000_000;

/** What tells its status as Hocuspocus' provider does. */
class Editor extends EventEmitter {
  status = "connecting";
  hasUnsyncedChanges = false;
  become(status: string): void {
    this.status = status;
    this.emit("status", { status });
  }
}

let provider: TestProvider<Events>;
let editor: Editor;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
  provider = createTestProvider<Events>();
  editor = new Editor();
  return () => vi.useRealTimers();
});

const states: Record<string, ConnectionState> = {
  idle: { status: "idle" },
  online: online(START),
  reconnecting: outage("reconnecting", START),
  offline: outage("offline", START),
  "long-broken": outage("long-broken", START),
  unauthorized: { status: "unauthorized", reason: error() as unknown as UnauthorizedError },
  closed: { status: "closed", reason: "server-204" },
};

describe("two connections", () => {
  it.each<[string, string, CombinedStatus, string]>([
    ["online", "connected", "online", "info"],
    ["idle", "connected", "connecting", "info"],
    ["reconnecting", "connected", "reconnecting", "warning"],
    ["offline", "connected", "offline", "warning"],
    ["long-broken", "connected", "long-broken", "error"],
    ["unauthorized", "connected", "unauthorized", "error"],
    ["closed", "connected", "closed", "error"],
    ["online", "disconnected", "editing-offline", "warning"],
    ["reconnecting", "disconnected", "editing-offline", "warning"],
    ["offline", "disconnected", "editing-offline", "warning"],
    ["long-broken", "disconnected", "long-broken", "error"],
    ["unauthorized", "disconnected", "unauthorized", "error"],
  ])("that are %s and %s are %s together", (ours, theirs, status, tone) => {
    const both = combineConnectionStates({ events: provider, notes: editor });
    editor.become("connected");
    provider.setState(states[ours]!);
    editor.become(theirs);
    expect(both.getSnapshot()).toMatchObject({ status, tone });
    expect(both.getSnapshot().parts.map((part) => part.name)).toEqual(["events", "notes"]);
    both.destroy();
  });

  it("say when the worst of them tries again, and why it is as it is", () => {
    const both = combineConnectionStates({ events: provider, notes: editor });
    const heard = vi.fn();
    editor.become("connected");
    both.subscribe(heard);
    const waiting = outage("reconnecting", START);
    provider.setState({ ...waiting, retryAt: START + 500 } as ConnectionState);
    expect(both.getSnapshot()).toMatchObject({ status: "reconnecting", retryAt: START + 500 });
    provider.setState({ ...waiting, retryAt: null } as ConnectionState);
    expect(both.getSnapshot()).toMatchObject({ status: "reconnecting", retryAt: null });
    expect(heard).toHaveBeenCalledTimes(2);
    provider.setState({ status: "closed", reason: "close()" });
    expect(both.getSnapshot()).toMatchObject({ status: "closed", reason: "close()" });
    expect(both.getSnapshot()).not.toHaveProperty("retryAt");
    editor.become("disconnected");
    provider.setState(online(START));
    expect(both.getSnapshot()).toMatchObject({ status: "editing-offline" });
    expect(both.getSnapshot()).not.toHaveProperty("reason");
    both.destroy();
  });

  it("tell of a change once, and keep one object until the next", () => {
    const both = combineConnectionStates({ events: provider, notes: editor });
    const heard = vi.fn();
    both.subscribe(heard);
    const before = both.getSnapshot();
    editor.become("connecting");
    expect(both.getSnapshot()).toBe(before);
    provider.setState(online(START));
    editor.become("connected");
    expect(heard).toHaveBeenCalledTimes(2);
    expect(both.getSnapshot()).toMatchObject({ status: "online", since: START });
    both.destroy();
  });
});

describe("an editor's connection", () => {
  it("is connecting until it was there once, and long broken after a minute, however often it tried", () => {
    const only = combineConnectionStates({ notes: editor });
    expect(only.getSnapshot().status).toBe("connecting");
    editor.become("connected");
    editor.become("disconnected");
    vi.advanceTimersByTime(30_000);
    editor.become("connecting");
    expect(only.getSnapshot()).toMatchObject({ status: "editing-offline", since: START });
    vi.advanceTimersByTime(29_999);
    expect(only.getSnapshot().status).toBe("editing-offline");
    vi.advanceTimersByTime(1);
    expect(only.getSnapshot().status).toBe("long-broken");
    editor.become("connected");
    expect(only.getSnapshot()).toMatchObject({ status: "online", since: START + 60_000 });
    only.destroy();
  });

  it("says what has not been synced, and that it was refused", () => {
    const only = combineConnectionStates({ notes: editor });
    editor.become("connected");
    editor.hasUnsyncedChanges = true;
    editor.emit("unsyncedChanges", 1);
    expect(only.getSnapshot().parts[0]).toMatchObject({ unsynced: true });
    editor.emit("authenticationFailed", { reason: "no" });
    expect(only.getSnapshot()).toMatchObject({ status: "unauthorized", tone: "error" });
    only.destroy();
  });

  it("was refused until it is taken again", () => {
    const only = combineConnectionStates({ notes: editor });
    editor.become("connected");
    editor.emit("authenticationFailed", { reason: "no" });
    editor.emit("authenticated", { scope: "read-write" });
    expect(only.getSnapshot()).toMatchObject({ status: "online", since: START });
    only.destroy();
  });

  it("that was there before it was looked at is online, wherever the provider keeps its status", () => {
    const late = Object.assign(new EventEmitter(), { configuration: { websocketProvider: { status: "connected" } } });
    const only = combineConnectionStates({ notes: late });
    expect(only.getSnapshot().status).toBe("online");
    late.configuration.websocketProvider.status = "disconnected";
    late.emit("status", { status: "disconnected" });
    expect(only.getSnapshot().status).toBe("editing-offline");
    only.destroy();
  });

  it("is let go of, with its timer", () => {
    const only = combineConnectionStates({ notes: editor });
    only.destroy();
    expect(editor.eventNames()).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
