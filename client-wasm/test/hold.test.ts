import { describe, expect, it, vi } from "vitest";
import { usePage } from "./support/page.js";
import { online, stage } from "./support/provider.js";
import { quiet } from "./support/server.js";

usePage();

/** A promise and its end. */
function deferred<T = void>() {
  let resolve!: (value: T) => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<T>((...ends) => ([resolve, reject] = ends));
  return { promise, resolve, reject };
}

describe("a resync", () => {
  it("says initial at the first hello without a cursor, and nothing when replay covered it", async () => {
    const fresh = stage();
    const reasons: string[] = [];
    fresh.provider.onResync((reason) => void reasons.push(reason));
    await (await fresh.server.next()).hello();
    expect(reasons).toEqual(["initial"]);
    const resumed = stage({ replay: { from: "ep-5" } });
    resumed.provider.onResync((reason) => void reasons.push(reason));
    const connection = await resumed.server.next();
    expect(connection.headers.get("last-event-id")).toBe("ep-5");
    await connection.hello({ resumed: "replayed", id: "ep-5", until: "ep-5" });
    expect(reasons).toEqual(["initial"]);
  });

  it("whose handler never settles is called off, reported, and tried again", async () => {
    const { provider, connection, clock, errors } = await online();
    const signals: AbortSignal[] = [];
    provider.onResync((_, { signal }) => {
      signals.push(signal);
      return new Promise<void>(() => {});
    });
    const seen = vi.fn();
    provider.onAny(seen);
    await connection.gap("ep-10");
    await connection.event("note_created", "ep-11");
    clock.advance(10_000);
    expect(signals[0]!.aborted).toBe(true);
    expect(errors.map(({ code }) => code)).toEqual(["resync_timeout"]);
    expect(seen).toHaveBeenCalledOnce();
    clock.advance(1_000);
    expect(signals).toHaveLength(2);
  });

  it("whose handler rejects is reported and tried again", async () => {
    const { provider, connection, clock, errors } = await online();
    const handler = vi.fn(async () => Promise.reject(new Error("down")));
    provider.onResync(handler);
    await connection.gap("ep-10");
    await quiet();
    expect(errors).toMatchObject([{ kind: "handler", code: "handler_rejected", message: "down" }]);
    clock.advance(1_500);
    expect(handler).toHaveBeenCalledTimes(2);
  });
});

describe("a load", () => {
  it("that began before the wasm and the stream were there holds too", async () => {
    const { provider, server } = stage();
    const answer = deferred<string>();
    const log: string[] = [];
    provider.onAny(({ meta }) => void log.push(meta.id!));
    const loading = provider.load(() => answer.promise).then((data) => log.push(data));
    const connection = await server.next();
    await connection.hello();
    await connection.event("note_created", "ep-2");
    expect(log).toEqual([]);
    answer.resolve("data");
    await loading;
    await quiet();
    expect(log).toEqual(["data", "ep-2"]);
  });

  it("that overlaps with others runs again once an event has waited for ten seconds", async () => {
    const { provider, connection, clock } = await online();
    const log: string[] = [];
    provider.onAny(({ meta }) => void log.push(meta.id!));
    const first = deferred<string>();
    const loading = provider.load(() => first.promise);
    clock.advance(1_000);
    await connection.event("note_created", "ep-2");
    clock.advance(8_000);
    const answers = [deferred<string>(), deferred<string>()];
    const signals: AbortSignal[] = [];
    const next = provider.load(({ signal }) => answers[signals.push(signal) - 1]!.promise);
    first.resolve("first");
    await expect(loading).resolves.toBe("first");
    await quiet();
    expect(log).toEqual([]);
    clock.advance(2_000);
    expect(log).toEqual(["ep-2"]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    answers[1]!.resolve("again");
    await expect(next).resolves.toBe("again");
  });

  it("just runs where no events come: idle, closed", async () => {
    const { provider } = stage({ autoConnect: false });
    await expect(provider.load(async () => 1)).resolves.toBe(1);
    provider.close();
    await expect(provider.load(async () => 2)).resolves.toBe(2);
  });
});

describe("replay.from", () => {
  it("as a promise holds the first attempt back, with the state already connecting", async () => {
    const cursor = deferred<string>();
    const { provider, server } = stage({ replay: { from: () => cursor.promise } });
    await quiet();
    expect(provider.state.status).toBe("connecting");
    expect(server.requests).toBe(0);
    cursor.resolve("ep-7");
    expect((await server.next()).headers.get("last-event-id")).toBe("ep-7");
  });

  it("that never comes is not waited for beyond the connect timeout", async () => {
    const { server, clock } = stage({ replay: { from: new Promise<string>(() => {}) } });
    await quiet();
    clock.advance(10_000);
    clock.advance(5_000);
    expect((await server.next()).headers.get("last-event-id")).toBeNull();
  });

  it("that is no cursor is reported, and the stream begins with a resync", async () => {
    const { provider, server, errors } = stage({ replay: { from: "not a cursor" } });
    const reasons: string[] = [];
    provider.onResync((reason) => void reasons.push(reason));
    await (await server.next()).hello();
    expect(errors).toMatchObject([{ kind: "config", code: "invalid_cursor" }]);
    expect(reasons).toEqual(["initial"]);
  });
});
