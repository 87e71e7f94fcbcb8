/** Who is called when, the same for the real provider and for the one of tests. */
import { describe, expect, it, vi } from "vitest";
import { usePage } from "../support/page.js";
import { kinds, record } from "./subject.js";

usePage();

describe.each(kinds)("handlers of $name", ({ make }) => {
  it("are called in the order of their registration, those of any event last", async () => {
    const { provider, emit } = await make();
    const log: string[] = [];
    provider.onAny(() => void log.push("any"));
    provider.onApplicationError(() => void log.push("application error"));
    provider.on("application_error", () => void log.push("first"));
    provider.on(["note_created", "application_error"], () => void log.push("second"));
    await emit("application_error", 2);
    expect(log).toEqual(["first", "second", "application error", "any"]);
  });

  it("may be one function twice, and each registration counts", async () => {
    const { provider, emit } = await make();
    const { log, id } = record();
    const end = provider.on("note_created", id);
    provider.on("note_created", id);
    await emit("note_created", 2);
    end();
    await emit("note_created", 3);
    provider.off("note_created", id);
    await emit("note_created", 4);
    expect(log).toEqual(["ep-2", "ep-2", "ep-3"]);
  });

  it("that throw or reject stop nobody and are reported, and the position moves on", async () => {
    const { provider, emit, errors } = await make();
    const after = vi.fn();
    const cause = new Error("no toast");
    provider.on("note_created", () => {
      throw cause;
    });
    provider.on("note_created", async () => Promise.reject("later"));
    provider.on("note_created", after);
    await emit("note_created", 2);
    expect(after).toHaveBeenCalledOnce();
    expect(errors).toMatchObject([
      { kind: "handler", code: "handler_threw", message: "no toast", retryable: false, cause },
      { kind: "handler", code: "handler_rejected", message: "later", retryable: false },
    ]);
    expect(provider.lastEventId).toBe("ep-2");
  });

  it("that end during a dispatch are not called any more, and those that begin are not called yet", async () => {
    const { provider, emit } = await make();
    const [second, late] = [vi.fn(), vi.fn()];
    provider.on("note_created", () => {
      provider.off("note_created", second);
      if (late.mock.calls.length === 0) provider.on("note_created", late);
    }, { once: true });
    provider.on("note_created", second);
    await emit("note_created", 2);
    expect([second.mock.calls.length, late.mock.calls.length]).toEqual([0, 0]);
    await emit("note_created", 3);
    expect([second.mock.calls.length, late.mock.calls.length]).toEqual([0, 1]);
  });

  it("with once are called once over all their names, also of those who hear of every event", async () => {
    const { provider, emit } = await make();
    const [several, any] = [vi.fn(), vi.fn()];
    provider.on(["note_created", "note_updated"], several, { once: true });
    provider.onAny(any, { once: true });
    await emit("note_updated", 2);
    await emit("note_created", 3);
    expect([several.mock.calls.length, any.mock.calls.length]).toEqual([1, 1]);
  });

  it("end with their signal, and an aborted one registers nothing", async () => {
    const { provider, emit } = await make();
    const [handler, never] = [vi.fn(), vi.fn()];
    const controller = new AbortController();
    provider.on("note_created", handler, { signal: controller.signal });
    provider.on("note_created", never, { signal: AbortSignal.abort() });
    await emit("note_created", 2);
    controller.abort();
    await emit("note_created", 3);
    expect([handler.mock.calls.length, never.mock.calls.length]).toEqual([1, 0]);
  });

  it("for several names end one by one by off, and together by their unsubscribe, however often", async () => {
    const { provider, emit } = await make();
    const { log, id } = record();
    const end = provider.on(["note_created", "note_updated"], id);
    provider.off("note_created", id);
    await emit("note_created", 2);
    await emit("note_updated", 3);
    end();
    end();
    await emit("note_updated", 4);
    expect(log).toEqual(["ep-3"]);
    expect(provider.inspect().handlers["note_updated"]).toBeUndefined();
  });

  it("are functions, and nothing else", async () => {
    const { provider } = await make();
    expect(() => provider.on("note_created", undefined as never)).toThrow("a handler is a function");
  });

  it("find the position at the event that they handle, and a repeat is dropped", async () => {
    const { provider, emit } = await make();
    const positions: (string | null)[] = [];
    provider.on("note_created", () => void positions.push(provider.lastEventId));
    await emit("note_created", 2);
    await emit("note_created", 2);
    await emit("note_created", 10);
    await emit("note_created", 9);
    expect(positions).toEqual(["ep-2", "ep-10"]);
  });

  it("of unknown events get what the contract does not have, and nobody else does", async () => {
    const { provider, emitUnknown, errors } = await make();
    const [unknown, any] = [vi.fn(), vi.fn()];
    provider.onUnknown(unknown);
    provider.onAny(any);
    await emitUnknown("of_tomorrow", 2);
    expect(unknown).toHaveBeenCalledExactlyOnceWith("of_tomorrow", {}, expect.objectContaining({ id: "ep-2", type: "of_tomorrow" }));
    expect(any).not.toHaveBeenCalled();
    expect(errors).toEqual([]);
  });
});

describe.each(kinds)("what $name promises", ({ make }) => {
  it("by once() is the next event, or what its signal aborts with", async () => {
    const { provider, emit } = await make();
    const controller = new AbortController();
    const next = provider.once("note_created");
    const never = provider.once("note_updated", { signal: controller.signal });
    const gone = provider.once("note_created", { signal: AbortSignal.abort(new Error("left")) });
    await Promise.all([
      expect(gone).rejects.toThrow("left"),
      expect(never).rejects.toThrow("enough"),
      emit("note_created", 2).then(() => controller.abort(new Error("enough"))),
    ]);
    await expect(next).resolves.toMatchObject({ meta: { id: "ep-2" } });
  });

  it("by whenOnline() is kept at once, ends with its signal, and is broken by close()", async () => {
    const { provider } = await make();
    await provider.whenOnline();
    provider.close();
    await expect(provider.whenOnline({ signal: AbortSignal.abort(new Error("left")) })).rejects.toThrow("left");
    provider.connect();
    const waiting = provider.whenOnline();
    provider.close();
    await expect(waiting).rejects.toMatchObject({ kind: "transport", code: "closed" });
  });

  it("of its state is one frozen object until it changes, told with the one before", async () => {
    const { provider } = await make();
    const steps: string[] = [];
    provider.onState((now, before) => void steps.push(`${before.status} > ${now.status}`), { immediate: true });
    provider.onState(() => void steps.push("once"), { immediate: true, once: true });
    provider.onState(() => void steps.push("never"), { immediate: true, signal: AbortSignal.abort() });
    const snapshots: unknown[] = [];
    provider.subscribe(() => void snapshots.push(provider.getSnapshot()));
    expect(provider.getSnapshot()).toBe(provider.state);
    expect(Object.isFrozen(provider.state)).toBe(true);
    provider.close();
    provider.close();
    expect(steps).toEqual(["online > online", "once", "online > closed"]);
    expect(snapshots).toEqual([{ status: "closed", reason: "close()" }]);
    expect(provider.getServerSnapshot()).toEqual({ status: "idle" });
  });
});
