// Tabs in one process: a real channel, and locks as browsers have them.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { BackendEventError } from "../js/error.js";
import type { BackendEventProviderOptions, EventMeta } from "../js/types.js";
import { ManualClock } from "./support/clock.js";
import { contract } from "../../bindings/ts/index.js";
import type { Events } from "./support/contract.js";
import { usePage } from "./support/page.js";
import { stage } from "./support/provider.js";
import { Server } from "./support/server.js";

/** The part of `navigator.locks` that tabs use. */
class Locks {
  readonly #held = new Map<string, (reason: unknown) => void>();
  readonly #queues = new Map<string, (() => void)[]>();

  request(name: string, o: { signal?: AbortSignal; steal?: boolean }, held: () => unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const grant = (): void => {
        this.#held.set(name, reject);
        void Promise.resolve(held()).then((value) => {
          if (this.#held.get(name) !== reject) return;
          this.#held.delete(name);
          this.#queues.get(name)?.shift()?.();
          resolve(value);
        });
      };
      const queue = this.#queues.get(name) ?? [];
      this.#queues.set(name, queue);
      if (o.steal) {
        this.#held.get(name)?.(new DOMException("stolen", "AbortError"));
        queueMicrotask(grant);
      } else if (this.#held.has(name)) {
        queue.push(grant);
        o.signal?.addEventListener("abort", () => {
          if (queue.includes(grant)) queue.splice(queue.indexOf(grant), 1);
          reject(o.signal?.reason);
        });
      } else {
        queueMicrotask(grant);
        this.#held.set(name, reject);
      }
    });
  }
}

/** Chance that differs from tab to tab, as it does outside of tests. */
class OwnClock extends ManualClock {
  static #made = 0;
  readonly #chance = (OwnClock.#made += 1) / 1_000;
  override random(): number {
    return this.#chance;
  }
}

usePage();

let server: Server;
beforeEach(() => {
  server = new Server();
  vi.stubGlobal("navigator", { onLine: true, locks: new Locks() });
});
afterEach(() => void vi.unstubAllGlobals());

function tab(options: Partial<BackendEventProviderOptions<Events>> = {}) {
  const heard: EventMeta[] = [];
  const one = stage({ fetch: server.fetch, clock: new OwnClock(), identity: "ann", ...options });
  one.provider.onAny(({ meta }) => void heard.push(meta));
  return { ...one, heard };
}

async function two() {
  const leader = tab();
  const connection = await server.next();
  await connection.hello();
  await vi.waitFor(() => expect(leader.provider.state).toMatchObject({ status: "online", role: "leader" }));
  const follower = tab();
  await vi.waitFor(() => expect(follower.provider.state).toMatchObject({ status: "online", role: "follower" }));
  return { leader, follower, connection };
}

describe("the tabs of one user", () => {
  it("read one stream, and each says where an event came from", async () => {
    const { leader, follower, connection } = await two();
    await connection.event("note_created", "ep-2");
    await vi.waitFor(() => expect(follower.heard).toMatchObject([{ id: "ep-2", via: "tab" }]));
    expect(leader.heard).toMatchObject([{ id: "ep-2", via: "network" }]);
    expect(server.requests).toBe(1);
  });

  it("show the outage of the one that reads, with an error that is one", async () => {
    const { leader, follower, connection } = await two();
    await connection.end();
    await vi.waitFor(() => expect(follower.provider.state.status).toBe("reconnecting"));
    expect(follower.provider.state).toMatchObject({ since: (leader.provider.state as { since: number }).since });
    expect((follower.provider.state as { reason: unknown }).reason).toBeInstanceOf(BackendEventError);
  });

  it("go on when the one that reads is closed", async () => {
    const { leader, follower } = await two();
    leader.provider.close();
    const connection = await server.next();
    expect(connection.headers.get("last-event-id")).toBe("ep-1");
    await connection.hello({ resumed: "replayed", until: "ep-1" });
    await vi.waitFor(() => expect(follower.provider.state).toMatchObject({ status: "online", role: "leader" }));
  });

  it("read together what each of them shows of groups, and each is told of its own", async () => {
    const leader = tab({ groups: ["a"] });
    const connection = await server.next();
    expect(connection.url.searchParams.get("groups")).toBe("a");
    await connection.hello();
    await vi.waitFor(() => expect(leader.provider.state).toMatchObject({ status: "online", role: "leader" }));
    const follower = tab({ groups: ["b"] });
    const more = await server.next();
    expect([more.url.pathname, JSON.parse(String(more.init.body))]).toEqual(["/sse/groups", { groups: ["a", "b"] }]);
    more.answer(200, {}, '{"refused":[]}');
    await vi.waitFor(() => expect(follower.provider.state).toMatchObject({ status: "online", role: "follower" }));
    const resyncs: string[] = [];
    for (const [name, { provider }] of Object.entries({ leader, follower })) {
      provider.onResync((reason) => void resyncs.push(`${name} ${reason}`));
    }
    await connection.gap("ep-2", "rights", ["b"]);
    await connection.event("note_created", "ep-3", { groups: ["a"] });
    await connection.event("note_created", "ep-4", { groups: ["b"] });
    await connection.event("note_created", "ep-5", { groups: ["a", "b"] });
    await connection.event("note_created", "ep-6");
    await vi.waitFor(() => expect(follower.heard.at(-1)).toMatchObject({ id: "ep-6" }));
    const ids = ({ heard }: { heard: EventMeta[] }): unknown[] => heard.map(({ id }) => id);
    expect([ids(leader), ids(follower), resyncs]).toEqual([["ep-3", "ep-5", "ep-6"], ["ep-4", "ep-5", "ep-6"], ["follower rights"]]);
    expect([leader.provider.lastEventId, follower.provider.lastEventId]).toEqual(["ep-6", "ep-6"]);
    expect(server.requests).toBe(2);
  });

  it("ignore what others post on their channel", async () => {
    const { follower, connection } = await two();
    const stranger = new BroadcastChannel(JSON.stringify(["tidings 2", "http://page.test/sse", "ann", contract.hash]));
    for (const post of [null, "x", [], [2, 1, 0, 1, 9, 7], [2, "1", 0, 1, 9, "x"], [4, 1n, 0, 1, 1, "", {}], [99, 5, 0, 1, 1, "x"], [4, 5, 0, 1, 1, "", { status: "online" }]]) {
      stranger.postMessage(post);
    }
    await connection.event("note_created", "ep-2");
    await vi.waitFor(() => expect(follower.heard).toHaveLength(1));
    stranger.close();
    expect(follower.provider.state).toMatchObject({ status: "online", role: "follower" });
    expect(follower.errors).toEqual([]);
  });
});

describe("a tab has a stream of its own", () => {
  it.each([
    ["where nobody says whose it is", { identity: undefined }],
    ["where sharing is off", { sharing: "off" as const }],
    ["where the address is made anew each time, and nothing names it", { url: () => "http://page.test/sse" }],
  ])("%s", async (_, options) => {
    const { provider } = tab(options);
    await (await server.next()).hello();
    expect(provider.state).toMatchObject({ status: "online", role: "solo" });
  });

  it("where there are no locks", async () => {
    vi.stubGlobal("navigator", { onLine: true });
    const { provider } = tab();
    await (await server.next()).hello();
    expect(provider.state).toMatchObject({ status: "online", role: "solo" });
  });

  it("beside that of another user", async () => {
    await two();
    const other = tab({ identity: "bob" });
    await (await server.next()).hello({ subject: "t" });
    await vi.waitFor(() => expect(other.provider.state).toMatchObject({ status: "online", role: "leader" }));
    expect(server.requests).toBe(2);
  });
});
