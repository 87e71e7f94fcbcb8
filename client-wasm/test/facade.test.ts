import { afterEach, describe, expect, it, vi } from "vitest";
import { bindContract } from "../js/bind.js";
import { earliestCursor } from "../js/cursor.js";
import { contract } from "../../bindings/ts/index.js";
import { load, type Events } from "./support/contract.js";
import { page, usePage } from "./support/page.js";
import { online, stage } from "./support/provider.js";
import { quiet, Server } from "./support/server.js";

usePage();
afterEach(() => vi.unstubAllGlobals());

it("reads where the page's window cannot be listened to, as in React Native", async () => {
  vi.stubGlobal("window", {});
  const { provider, connection } = await online({ networkTarget: undefined });
  const heard = vi.fn();
  provider.onAny(heard);
  await connection.event("note_created", "ep-2");
  expect(provider.state.status).toBe("online");
  expect(heard).toHaveBeenCalledTimes(1);
});

describe("a wasm that cannot be loaded", () => {
  it("is a closed provider with the cause, and connect() tries again", async () => {
    let fails = true;
    const bound = bindContract<Events>({
      ...contract,
      load: () => (fails ? Promise.reject(new Error("violates the following Content Security Policy directive")) : load()),
    });
    const { fetch, next } = ((server) => ({ fetch: server.fetch, next: () => server.next() }))(new Server());
    const provider = bound.createBackendEventProvider({ url: "http://page.test/sse", fetch, networkTarget: null, logger: false });
    const [onError, onState] = [vi.fn(), vi.fn()];
    provider.onError(onError);
    provider.onState(onState);
    await quiet();
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ kind: "config", code: "wasm_blocked", message: expect.stringContaining("wasm-unsafe-eval") }));
    expect(provider.state).toMatchObject({ status: "closed", reason: { code: "wasm_blocked" } });
    expect(onState).toHaveBeenCalledOnce();
    fails = false;
    provider.connect();
    await (await next()).hello();
    expect(provider.state.status).toBe("online");
    provider.close();
  });
});

it("exists on a server, where it never connects", () => {
  delete (globalThis as { window?: unknown }).window;
  const bound = bindContract<Events>({ ...contract, load: () => Promise.reject(new Error("loaded")) });
  const provider = bound.createBackendEventProvider({ url: "/sse", fetch: () => Promise.reject(new Error("connected")) });
  provider.connect();
  expect(provider.state).toEqual({ status: "idle" });
  expect(provider.getServerSnapshot()).toBe(provider.getSnapshot());
  expect(provider.lastEventId).toBeNull();
});

describe("its state", () => {
  it("is one frozen object until it changes", async () => {
    const { provider } = await online();
    const before = provider.getSnapshot();
    expect(provider.state).toBe(before);
    expect(Object.isFrozen(before)).toBe(true);
    provider.close();
    expect(provider.getSnapshot()).toEqual({ status: "closed", reason: "close()" });
  });

  it("is told to onState with the one before, and to the callbacks of the options by name", async () => {
    const [onOnline, onReconnecting] = [vi.fn(), vi.fn()];
    const { provider, server, connection, clock } = await online({ onOnline, onReconnecting });
    const steps: string[] = [];
    provider.onState((now, before) => void steps.push(`${before.status} > ${now.status}`), { immediate: true });
    await connection.end();
    clock.advance(5_000);
    (await server.next()).answer(500);
    await quiet();
    expect(steps.slice(0, 2)).toEqual(["online > online", "online > reconnecting"]);
    expect(onOnline).toHaveBeenCalledOnce();
    expect(onReconnecting).toHaveBeenCalledOnce();
  });

  it("is waited for by whenOnline()", async () => {
    const { provider, server, clock } = stage();
    const online = provider.whenOnline();
    const late = provider.whenOnline({ timeoutMs: 50 });
    const rejection = expect(late).rejects.toMatchObject({ code: "timeout" });
    const connection = await server.next();
    clock.advance(50);
    await rejection;
    await connection.hello();
    await online;
    provider.close();
    await expect(provider.whenOnline({ signal: AbortSignal.abort(new Error("left")) })).rejects.toThrow("left");
  });
});

describe("an identity", () => {
  it("of nobody does not connect until somebody signs in, and the change is a resync", async () => {
    const { provider, server } = stage({ identity: null });
    await quiet();
    expect(server.requests).toBe(0);
    provider.setIdentity("carla");
    const connection = await server.next();
    await connection.hello();
    await connection.event("note_created", "ep-2");
    const reasons: string[] = [];
    provider.onResync((reason) => void reasons.push(reason));
    provider.setIdentity("conrad");
    const other = await server.next();
    expect(other.headers.get("last-event-id")).toBeNull();
    await other.hello({ subject: "t" });
    expect(reasons).toEqual(["identity_changed"]);
  });
});

describe("the cursor travels", () => {
  const from = { replay: { from: "ep-5" } };

  it("in a header to the page's own origin", async () => {
    vi.stubGlobal("location", { href: "http://page.test/session" });
    const { server } = stage({ ...from, url: "/sse", groups: ["a", "b"] });
    const { url, headers, init } = await server.next();
    expect(url.href).toBe("http://page.test/sse?tidings=1&groups=a%2Cb");
    expect(headers.get("last-event-id")).toBe("ep-5");
    expect(init).toMatchObject({ credentials: "same-origin", cache: "no-store" });
  });

  it("in the query to another origin with cookies, which then needs no preflight", async () => {
    vi.stubGlobal("location", { href: "http://other.test/" });
    const { server } = stage({ ...from, credentials: "include" });
    const { url, headers } = await server.next();
    expect(url.searchParams.get("last_event_id")).toBe("ep-5");
    expect([...headers.keys()]).toEqual(["accept"]);
  });

  it("in a header on a stable address to another origin with a token", async () => {
    vi.stubGlobal("location", { href: "http://other.test/" });
    const { server, provider } = stage({ ...from, auth: async () => ({ headers: { Authorization: "Bearer t" } }) });
    const first = await server.next();
    await first.hello({ resumed: "replayed", id: "ep-5" });
    provider.reconnect();
    const second = await server.next();
    expect(second.headers.get("last-event-id")).toBe("ep-5");
    expect(second.url.href).toBe(first.url.href);
    const names = [first, second].map(({ headers }) => headers.get("tidings-connection"));
    expect(names).toEqual([null, "c1"]);
  });

  it("over a reload of the tab where the options say so", async () => {
    const kept = new Map<string, string>();
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    });
    const options = { identity: "carla", replay: { cursor: "session" } } as const;
    const { provider, connection } = await online(options);
    await connection.event("note_created", "ep-2");
    page.dispatchEvent(new Event("pagehide"));
    expect(provider.lastEventId).toBe("ep-2");
    const reloaded = stage(options);
    expect((await reloaded.server.next()).headers.get("last-event-id")).toBe("ep-2");
    for (const other of [{ identity: "conrad" }, { groups: ["team"] }]) {
      const another = stage({ ...options, ...other });
      expect((await another.server.next()).headers.get("last-event-id")).toBeNull();
    }
  });
});

describe("earliestCursor", () => {
  it.each([
    [["ep-12", "ep-9", "ep-10"], "ep-9"],
    [["a-b-18446744073709551615", "a-b-2"], "a-b-2"],
    [["ep-1", "other-1"], null],
    [["ep-1", null], null],
    [["ep-1", "ep-x"], null],
    [[], null],
  ])("of %j is %j", (cursors, earliest) => {
    expect(earliestCursor(...cursors)).toBe(earliest);
  });
});

it("close() before the wasm is there leaves nothing behind", async () => {
  const { provider, server } = stage();
  provider.close();
  await quiet();
  expect(provider.state).toEqual({ status: "closed", reason: "close()" });
  expect(server.requests).toBe(0);
});
