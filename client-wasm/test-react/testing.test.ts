/** The test's side of the test provider. What it shares with the real one is in test/conformance. */
import { expect, it, vi } from "vitest";
import { createTestProvider } from "../js/testing.js";
import type { ConnectionStatus } from "../js/types.js";
import { error, online } from "./support/contract.js";

interface Events {
  note_created: { body: string };
  application_error: { message: string };
}

const setUp = () => {
  const provider = createTestProvider<Events>();
  const log: string[] = [];
  return { provider, log };
};

it("delivers what a test emits, at once, with what it says about it", () => {
  const { provider } = setUp();
  const [handler, any] = [vi.fn(), vi.fn()];
  provider.on("note_created", handler);
  provider.onAny(any);
  provider.emit("note_created", { body: "a" }, { id: "e-1", own: true, correlationId: "c7" });
  const meta = { type: "note_created", id: "e-1", replayed: false, via: "network", sentAt: null, correlationId: "c7", own: true };
  expect(handler).toHaveBeenCalledExactlyOnceWith({ body: "a" }, expect.objectContaining(meta));
  expect(any).toHaveBeenCalledExactlyOnceWith({ type: "note_created", data: { body: "a" }, meta: expect.objectContaining(meta) });
});

it("delivers an event without an id as often as it is emitted, and one that a handler emits after the others", () => {
  const { provider, log } = setUp();
  provider.on("note_created", ({ body }) => {
    log.push(body);
    if (body === "first") provider.emit("note_created", { body: "nested" });
  });
  provider.on("note_created", ({ body }) => log.push(`again ${body}`));
  provider.emit("note_created", { body: "first" });
  provider.emit("note_created", { body: "first" }, { id: "e-1" });
  expect(log.slice(0, 4)).toEqual(["first", "again first", "nested", "again nested"]);
  expect(log).toHaveLength(8);
});

it("refuses to emit where nothing can arrive, and says what to do", () => {
  const { provider } = setUp();
  provider.close();
  expect(() => provider.emit("note_created", { body: "" })).toThrow(/nothing arrives while the provider is closed: connect\(\) it/);
  provider.setState({ status: "unauthorized", reason: error() });
  expect(() => provider.emitUnknown("note_burnt", {})).toThrow(/unauthorized/);
  provider.connect();
  provider.emit("note_created", { body: "" });
});

it("goes where it is told, and says so to every listener", async () => {
  const { provider, log } = setUp();
  const seen: ConnectionStatus[] = [];
  provider.onState((now) => seen.push(now.status), { immediate: true });
  provider.subscribe(() => log.push(provider.getSnapshot().status));
  provider.connect();
  const up = provider.whenOnline();
  provider.setState(online());
  await up;
  provider.connect();
  provider.reconnect();
  provider.close();
  expect(seen).toEqual(["idle", "connecting", "online", "connecting", "closed"]);
  expect(log).toEqual(["connecting", "online", "connecting", "closed"]);
});

it("waits to be online no longer than it is asked to", async () => {
  vi.useFakeTimers();
  const { provider } = setUp();
  const rejection = expect(provider.whenOnline({ timeoutMs: 50 })).rejects.toMatchObject({ code: "timeout" });
  vi.advanceTimersByTime(50);
  await rejection;
  expect(provider.inspect().handlers).toEqual({});
  vi.useRealTimers();
});

it("drops the cursor and asks for a resync with another identity, and once only", () => {
  const { provider, log } = setUp();
  provider.onResync((reason) => log.push(reason));
  provider.emit("note_created", { body: "" }, { id: "e-1" });
  provider.setIdentity("bob");
  provider.setIdentity("bob");
  expect([provider.identity, provider.lastEventId, log]).toEqual(["bob", null, ["identity_changed"]]);
});

it("tells which groups are followed", () => {
  const { provider } = setUp();
  const [end] = [provider.follow("team"), provider.follow("room")];
  end();
  end();
  expect(provider.followed).toEqual(["room"]);
});

it("passes an error on, and writes to the console what nobody hears", () => {
  const { provider } = setUp();
  const [onError, write] = [vi.fn(), vi.spyOn(console, "error").mockImplementation(() => {})];
  const failure = error();
  const end = provider.onError(onError);
  provider.fail(failure);
  end();
  provider.fail(failure);
  expect(onError).toHaveBeenCalledExactlyOnceWith(failure);
  expect(write).toHaveBeenCalledExactlyOnceWith(`tidings: ${failure.message}`, failure);
});
