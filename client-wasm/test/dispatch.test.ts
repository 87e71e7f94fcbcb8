import { describe, expect, it, vi } from "vitest";
import { EventType } from "../../bindings/ts/index.js";
import { fixture } from "./support/contract.js";
import { usePage } from "./support/page.js";
import { online, stage } from "./support/provider.js";
import { quiet } from "./support/server.js";

usePage();

describe("an event", () => {
  it("reaches its handler with the payload as it was parsed, and with what is known about it", async () => {
    const { provider, connection, clock } = await online();
    const handler = vi.fn();
    provider.on(EventType.ActionCreated, handler);
    await connection.event("action_created", "ep-2", {
      data: { beyond: "the contract" },
      meta: { at: "2026-11-23T10:00:00Z", correlation_id: "c7", origin: provider.origin },
    });
    expect(handler).toHaveBeenCalledExactlyOnceWith(
      { ...fixture("action_created").data, beyond: "the contract" },
      {
        type: "action_created",
        id: "ep-2",
        replayed: false,
        via: "network",
        receivedAt: clock.now(),
        sentAt: "2026-11-23T10:00:00Z",
        correlationId: "c7",
        own: true,
      },
    );
    expect(provider.lastEventId).toBe("ep-2");
  });

  it("is not one's own when another provider caused it, or nobody said who", async () => {
    const { provider, connection } = await online();
    const own: boolean[] = [];
    provider.onAny(({ meta }) => own.push(meta.own));
    await connection.event("action_deleted", "ep-2", { meta: { origin: "another" } });
    await connection.event("action_deleted", "ep-3");
    expect(own).toEqual([false, false]);
  });

  it("reaches a handler that registered before the wasm was loaded", async () => {
    const { provider, server } = stage();
    const handler = vi.fn();
    provider.on("note_created", handler);
    const connection = await server.next();
    await connection.hello();
    await connection.event("note_created", "ep-2");
    expect(handler).toHaveBeenCalledOnce();
  });
});

describe("a payload that breaks the contract", () => {
  it.each([
    ["a missing field", { action: undefined }, /action/],
    ["a wrong type", { coaching_session_id: 7 }, /coaching_session_id/],
    ["a text that is no id", { coaching_session_id: "seven" }, /coaching_session_id/],
  ])("by %s is reported and skipped, and the stream goes on", async (_, data, message) => {
    const { provider, connection, errors } = await online();
    const handler = vi.fn();
    provider.on("action_created", handler);
    await connection.event("action_created", "ep-2", { data });
    await connection.event("action_created", "ep-3");
    expect(handler).toHaveBeenCalledOnce();
    expect(errors).toMatchObject([{ kind: "payload", code: "payload_mismatch", retryable: false }]);
    expect(errors[0]!.message).toMatch(message);
    expect(provider.lastEventId).toBe("ep-3");
    expect(provider.state.status).toBe("online");
  });

  it("by not being JSON is too", async () => {
    const { connection, errors, provider } = await online();
    await connection.raw("id: ep-2\nevent: note_created\ndata: {\n\n");
    expect(errors).toMatchObject([{ kind: "payload", code: "malformed_json" }]);
    expect(provider.lastEventId).toBe("ep-2");
  });

  it("by saying another type than its name is too", async () => {
    const { connection, errors } = await online();
    await connection.write("note_created", { ...fixture("note_created"), type: "note_updated" }, "ep-2");
    expect(errors).toMatchObject([{ kind: "payload", code: "payload_mismatch" }]);
  });

  it("is none where only an optional field is left out", async () => {
    const { provider, connection, errors } = await online();
    const handler = vi.fn();
    provider.on("action_created", handler);
    const { action } = fixture("action_created").data as { action: object };
    await connection.event("action_created", "ep-2", { data: { action: { ...action, due_by: undefined, body: null } } });
    expect(errors).toEqual([]);
    expect(handler).toHaveBeenCalledOnce();
  });
});

it("gives an application error to its own handlers and to the ordinary ones", async () => {
  const { provider, connection, errors } = await online();
  const [error, on, any] = [vi.fn(), vi.fn(), vi.fn()];
  provider.onApplicationError(error);
  provider.on("application_error", on);
  provider.onAny(any);
  await connection.event("application_error", "ep-2");
  expect(error).toHaveBeenCalledExactlyOnceWith(fixture("application_error").data, expect.objectContaining({ id: "ep-2" }));
  expect(on).toHaveBeenCalledOnce();
  expect(any).toHaveBeenCalledOnce();
  expect(errors).toEqual([]);
});

describe("a handler that fails", () => {
  it("among the onError handlers goes to the log, and does not go round", async () => {
    const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    const { provider, connection } = await online({ logger: log });
    provider.onError(() => {
      throw new Error("again");
    });
    await connection.raw("id: ep-2\nevent: note_created\ndata: {\n\n");
    expect(log.error).toHaveBeenCalledExactlyOnceWith("again", expect.anything());
  });
});

describe("registrations", () => {
  it("end by off for one of their names before the wasm is there, too", async () => {
    const { provider, server } = stage();
    const [kept, ended] = [vi.fn(), vi.fn()];
    provider.on(["note_created", "note_updated"], kept);
    provider.on("note_updated", ended);
    provider.off("note_created", kept);
    provider.off("note_updated", ended);
    const connection = await server.next();
    await connection.hello();
    await connection.event("note_created", "ep-2");
    await connection.event("note_updated", "ep-3");
    expect([kept.mock.calls.length, ended.mock.calls.length]).toEqual([1, 0]);
  });

  it("are counted by inspect(), before and after the wasm is loaded", async () => {
    const { provider, server } = stage();
    provider.on(["note_created", "note_updated"], () => {});
    expect(provider.inspect().handlers).toMatchObject({ note_created: 1, note_updated: 1 });
    await (await server.next()).hello();
    expect(provider.inspect()).toMatchObject({ attempts: 1, role: "solo", handlers: { note_created: 1, note_updated: 1 } });
  });
});
