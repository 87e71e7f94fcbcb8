/** When events wait for the page's fetches, the same for the real provider and for the one of tests. */
import { describe, expect, it, vi } from "vitest";
import { usePage } from "../support/page.js";
import { quiet } from "../support/server.js";
import { deferred, kinds, record } from "./subject.js";

usePage();

describe.each(kinds)("a resync of $name", ({ make }) => {
  it("holds what comes until all its handlers have settled, then dispatches in order", async () => {
    const { provider, emit, gap } = await make();
    const refetch = deferred();
    const { log, id } = record();
    provider.onResync(async (reason) => {
      log.push(reason);
      await refetch.promise;
      log.push("fetched");
    });
    provider.onResync(() => void log.push("second"));
    provider.on("note_created", id);
    await gap("retention", 10);
    await emit("note_created", 11);
    await emit("note_created", 12);
    expect(log).toEqual(["retention", "second"]);
    refetch.resolve();
    await quiet();
    expect(log).toEqual(["retention", "second", "fetched", "ep-11", "ep-12"]);
    expect(provider.lastEventId).toBe("ep-12");
  });

  it("holds nothing where no handler takes time", async () => {
    const { provider, emit, gap } = await make();
    const { log, id } = record();
    provider.onResync(() => void log.push("fetched"));
    provider.on("note_created", id);
    await gap("epoch", 10);
    await emit("note_created", 11);
    expect(log).toEqual(["fetched", "ep-11"]);
  });

  it("whose handler rejects is reported, and lets go of what it held", async () => {
    const { provider, emit, gap, errors } = await make();
    const { log, id } = record();
    const refetch = deferred();
    provider.onResync(() => refetch.promise);
    provider.on("note_created", id);
    await gap("retention", 10);
    await emit("note_created", 11);
    refetch.reject(new Error("down"));
    await quiet();
    expect(errors).toMatchObject([{ kind: "handler", code: "handler_rejected", message: "down" }]);
    expect(log).toEqual(["ep-11"]);
  });

  it("that takes too long is called off and reported", async () => {
    const { provider, emit, gap, tooLong, errors } = await make();
    const { log, id } = record();
    const signals: AbortSignal[] = [];
    provider.onResync((_, { signal }) => (signals.push(signal), new Promise<void>(() => {})));
    provider.on("note_created", id);
    await gap("retention", 10);
    await emit("note_created", 11);
    await tooLong();
    expect(signals[0]!.aborted).toBe(true);
    expect(errors).toMatchObject([{ kind: "handler", code: "resync_timeout", retryable: true }]);
    expect(log).toEqual(["ep-11"]);
  });

  it("while another runs takes its place: what was held is older than what is fetched now", async () => {
    const { provider, emit, gap } = await make();
    const { log, id } = record();
    const [first, second] = [deferred(), deferred()];
    const signals: AbortSignal[] = [];
    provider.onResync((reason, { signal }) => {
      log.push(reason);
      return signals.push(signal) === 1 ? first.promise : second.promise;
    });
    provider.on("note_created", id);
    await gap("retention", 10);
    await emit("note_created", 11);
    await gap("epoch", 20);
    await emit("note_created", 21);
    first.resolve();
    await quiet();
    expect(log).toEqual(["retention", "ep-11", "epoch"]);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    second.resolve();
    await quiet();
    expect(log).toEqual(["retention", "ep-11", "epoch", "ep-21"]);
  });
});

describe.each(kinds)("a load of $name", ({ make }) => {
  it("holds events until whoever awaits it has applied the result", async () => {
    const { provider, emit } = await make();
    const { log, id } = record();
    const answer = deferred<string>();
    provider.on("note_created", id);
    const loading = (async () => log.push(await (async () => await provider.load(() => answer.promise))()))();
    await emit("note_created", 2);
    expect(log).toEqual([]);
    expect(provider.lastEventId).not.toBe("ep-2");
    answer.resolve("data");
    await loading;
    await quiet();
    expect(log).toEqual(["data", "ep-2"]);
  });

  it("holds with the others until the last of them is done", async () => {
    const { provider, emit } = await make();
    const { log, id } = record();
    const answers = [deferred(), deferred()];
    provider.on("note_created", id);
    const loads = answers.map(({ promise }) => provider.load(() => promise));
    await emit("note_created", 2);
    answers[0]!.resolve();
    await loads[0];
    await quiet();
    expect(log).toEqual([]);
    answers[1]!.resolve();
    await loads[1];
    await quiet();
    expect(log).toEqual(["ep-2"]);
  });

  it("runs again when a gap makes its data stale, and gives the data of the last run", async () => {
    const { provider, gap } = await make();
    const answers = [deferred<string>(), deferred<string>()];
    const signals: AbortSignal[] = [];
    const loading = provider.load(({ signal }) => answers[signals.push(signal) - 1]!.promise);
    await gap("retention", 10);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    answers[0]!.resolve("stale");
    await quiet();
    answers[1]!.resolve("fresh");
    await expect(loading).resolves.toBe("fresh");
  });

  it("that takes too long is aborted and rejects, and the events go out", async () => {
    const { provider, emit, tooLong, errors } = await make();
    const { log, id } = record();
    let signal: AbortSignal | undefined;
    provider.on("note_created", id);
    const loading = provider.load((o) => ((signal = o.signal), new Promise<never>(() => {})));
    const rejection = expect(loading).rejects.toMatchObject({ kind: "handler", code: "resync_timeout" });
    await emit("note_created", 2);
    await tooLong();
    await rejection;
    expect(signal!.aborted).toBe(true);
    expect(errors.map(({ code }) => code)).toEqual(["resync_timeout"]);
    expect(log).toEqual(["ep-2"]);
  });

  it("during which too much comes is aborted and rejects, and nothing is lost", async () => {
    const { provider, emitUnknown, errors } = await make();
    const seen = vi.fn();
    provider.onUnknown(seen);
    const rejection = expect(provider.load(() => new Promise<never>(() => {}))).rejects.toMatchObject({ code: "hold_overflow" });
    const all = Array.from({ length: 1_001 }, (_, index) => emitUnknown("of_tomorrow", index + 2));
    await Promise.all(all);
    await rejection;
    expect(seen).toHaveBeenCalledTimes(1_001);
    expect(errors).toMatchObject([{ kind: "handler", code: "hold_overflow" }]);
  });

  it("beyond the 256th at once is refused: the page runs in a circle", async () => {
    const { provider } = await make();
    const never = (): Promise<never> => new Promise<never>(() => {});
    for (let load = 0; load < 256; load += 1) provider.load(never).catch(() => {});
    await expect(provider.load(never)).rejects.toMatchObject({ kind: "config", code: "too_many_loads" });
  });

  it("rejects with what its function throws, and holds no longer", async () => {
    const { provider, emit } = await make();
    const { log, id } = record();
    provider.on("note_created", id);
    await expect(provider.load(() => Promise.reject(new Error("500")))).rejects.toThrow("500");
    const throws = (): never => {
      throw new Error("at once");
    };
    await expect(provider.load(throws)).rejects.toThrow("at once");
    await quiet();
    await emit("note_created", 2);
    expect(log).toEqual(["ep-2"]);
  });

  it("goes on when the provider is closed under it, and what waited for it is dropped", async () => {
    const { provider, emit } = await make();
    const { log, id } = record();
    const answer = deferred<string>();
    provider.on("note_created", id);
    const loading = provider.load(() => answer.promise);
    await emit("note_created", 2);
    provider.close();
    answer.resolve("data");
    await expect(loading).resolves.toBe("data");
    await quiet();
    expect(log).toEqual([]);
    await expect(provider.load(async () => "closed")).resolves.toBe("closed");
  });
});

it.each(kinds)("what waited for the user before is dropped when a handler signs out of $name", async ({ make }) => {
  const { provider, emit } = await make();
  const answer = deferred();
  const handler = vi.fn(() => provider.setIdentity(null));
  provider.on("note_created", handler);
  const loading = provider.load(() => answer.promise);
  await emit("note_created", 2);
  await emit("note_created", 3);
  answer.resolve();
  await loading;
  await quiet();
  expect(handler).toHaveBeenCalledOnce();
  expect([provider.state.status, provider.lastEventId]).toEqual(["idle", null]);
});
