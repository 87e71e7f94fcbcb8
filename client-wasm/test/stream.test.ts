import { describe, expect, it, vi } from "vitest";
import { UnauthorizedError } from "../js/error.js";
import { fixture } from "./support/contract.js";
import { page, usePage } from "./support/page.js";
import { online, stage } from "./support/provider.js";
import { quiet } from "./support/server.js";

usePage();

describe("a stream that breaks", () => {
  it("comes back after a 502 with the cursor, and what was missed is called replayed", async () => {
    const { provider, server, connection, clock, errors } = await online();
    const seen: [string | null, boolean][] = [];
    provider.onAny(({ meta }) => void seen.push([meta.id, meta.replayed]));
    await connection.event("note_created", "ep-2");
    await connection.end();
    expect(provider.state).toMatchObject({ status: "reconnecting", reason: { code: "stream_ended" } });
    clock.advance(5_000);
    (await server.next()).answer(502);
    await quiet();
    expect(provider.state).toMatchObject({ status: "reconnecting", attempt: 1, reason: { code: "http_status", status: 502 } });
    clock.advance(5_000);
    const again = await server.next();
    expect(again.headers.get("last-event-id")).toBe("ep-2");
    expect(again.url.searchParams.get("connection")).toBe("c1");
    await again.hello({ resumed: "replayed", id: "ep-2", until: "ep-3" });
    await again.event("note_created", "ep-3");
    await again.event("note_created", "ep-4");
    expect(provider.state).toMatchObject({ status: "online", resumed: true });
    expect(seen).toEqual([["ep-2", false], ["ep-3", true], ["ep-4", false]]);
    expect(errors.map(({ code }) => code)).toEqual(["stream_ended", "http_status"]);
  });

  it("in the middle of an event delivers it once, whole", async () => {
    const { provider, server, connection, clock } = await online();
    const handler = vi.fn();
    provider.on("note_created", handler);
    await connection.raw('id: ep-2\nevent: note_created\ndata: {"type":"note_cre');
    await connection.end();
    expect(handler).not.toHaveBeenCalled();
    clock.advance(5_000);
    const again = await server.next();
    expect(again.headers.get("last-event-id")).toBe("ep-1");
    await again.hello({ resumed: "replayed", id: "ep-1", until: "ep-2" });
    await again.event("note_created", "ep-2");
    expect(handler).toHaveBeenCalledOnce();
  });

  it("by silence is noticed after 2.5 heartbeats, and by any byte is not", async () => {
    const { provider, connection, clock } = await online();
    clock.advance(37_000);
    await connection.raw(": alive\n\n");
    clock.advance(37_000);
    expect(provider.state.status).toBe("online");
    clock.advance(1_000);
    expect(provider.state).toMatchObject({ status: "reconnecting", reason: { code: "idle_timeout" } });
    expect(connection.isOpen).toBe(false);
  });

  it("for a minute is long-broken, and goes on trying", async () => {
    const { provider, server, connection, clock } = await online();
    const attempt = async () => {
      for (const made = server.requests; server.requests === made; await quiet()) clock.advance(1_000);
      return server.next();
    };
    await connection.end();
    const begun = clock.now();
    while (clock.now() < begun + 60_000) {
      expect(provider.state.status).toBe("reconnecting");
      (await attempt()).refuse();
      await quiet();
    }
    expect(provider.state).toMatchObject({ status: "long-broken", reason: { code: "connection_lost", kind: "transport" } });
    await (await attempt()).hello({ resumed: "replayed" });
    expect(provider.state.status).toBe("online");
  });

  it("waits no shorter than the server's Retry-After", async () => {
    const { server, connection, clock } = await online();
    await connection.end();
    clock.advance(5_000);
    (await server.next()).answer(503, { "retry-after": "20" });
    await quiet();
    const made = server.requests;
    clock.advance(19_000);
    await quiet();
    expect(server.requests).toBe(made);
    clock.advance(2_000);
    await server.next();
  });

  it("is tried again at once by reconnect()", async () => {
    const { provider, server, connection } = await online();
    provider.reconnect();
    expect(connection.isOpen).toBe(false);
    await (await server.next()).hello({ resumed: "replayed" });
    expect(provider.state.status).toBe("online");
  });
});

describe("an answer", () => {
  it("of 401 asks auth once, then parks", async () => {
    const auth = vi.fn(async () => ({ headers: { authorization: "Bearer stale" } }));
    const { provider, server, errors } = stage({ auth });
    (await server.next()).answer(401);
    const second = await server.next();
    expect(second.headers.get("authorization")).toBe("Bearer stale");
    second.answer(401);
    await quiet();
    expect(auth.mock.calls.map(([request]: unknown[]) => (request as { reason: string }).reason)).toEqual(["connect", "rejected"]);
    expect(provider.state).toMatchObject({ status: "unauthorized", reason: { kind: "auth", name: "UnauthorizedError" } });
    expect(provider.state).toHaveProperty("reason", expect.any(UnauthorizedError));
    expect(errors.map(({ kind }) => kind)).toEqual(["auth"]);
    expect(server.requests).toBe(2);
  });

  it("of 401 parks at once where only a cookie could change it, and connect() leaves that", async () => {
    const { provider, server } = stage();
    (await server.next()).answer(401);
    await quiet();
    expect(provider.state.status).toBe("unauthorized");
    provider.connect();
    await (await server.next()).hello();
    expect(provider.state.status).toBe("online");
  });

  it("of 204 closes, as an event source must", async () => {
    const { provider, server, clock } = stage();
    (await server.next()).answer(204);
    await quiet();
    expect(provider.state).toEqual({ status: "closed", reason: "server-204" });
    clock.advance(120_000);
    await quiet();
    expect(server.requests).toBe(1);
  });

  it("of 400 closes with an error", async () => {
    const { provider, server } = stage();
    (await server.next()).answer(400);
    await quiet();
    expect(provider.state).toMatchObject({ status: "closed", reason: { kind: "protocol", code: "refused", status: 400, retryable: false } });
  });

  it("that does not come is given up after ten seconds", async () => {
    const { provider, server, clock } = stage();
    const asked = await server.next();
    clock.advance(10_000);
    expect(asked.init.signal?.aborted).toBe(true);
    expect(provider.state).toMatchObject({ status: "reconnecting", reason: { code: "connect_timeout" } });
  });
});

it("auth that throws an UnauthorizedError parks; that throws anything else is asked again", async () => {
  const refused = stage({ auth: () => Promise.reject(new UnauthorizedError("signed out")) });
  await quiet();
  expect(refused.provider.state).toMatchObject({ status: "unauthorized", reason: { message: expect.stringContaining("signed out") } });
  const failed = stage({ auth: () => Promise.reject(new Error("token server is down")) });
  await quiet();
  expect(failed.provider.state).toMatchObject({ status: "reconnecting", reason: { kind: "auth", code: "auth_failed" } });
});

describe("goodbye", () => {
  it("revoked parks", async () => {
    const { provider, connection } = await online();
    await connection.write("tidings:goodbye", { reason: "revoked", reconnect_after_ms: null }, null);
    expect(provider.state).toMatchObject({ status: "unauthorized", reason: { code: "revoked" } });
  });

  it("lifetime comes back without a change of state", async () => {
    const { provider, server, connection, clock } = await online();
    const states = vi.fn();
    provider.onState(states);
    await connection.write("tidings:goodbye", { reason: "lifetime", reconnect_after_ms: 100 }, null);
    clock.advance(600);
    await (await server.next()).hello({ resumed: "replayed" });
    expect(states).not.toHaveBeenCalled();
    expect(provider.state.status).toBe("online");
  });
});

it("a newer contract of the server is told once", async () => {
  const onContractChange = vi.fn();
  const { provider, server, connection } = await online({ onContractChange });
  await connection.end();
  for (const revision of [9, 9]) {
    provider.reconnect();
    await (await server.next()).hello({ resumed: "replayed", revision });
  }
  expect(onContractChange).toHaveBeenCalledOnce();
});

describe("the page", () => {
  it("that is put away lets the stream go, and comes back with the cursor", async () => {
    const { provider, server, connection, clock } = await online();
    page.dispatchEvent(new Event("pagehide"));
    expect(connection.isOpen).toBe(false);
    expect(provider.state.status).toBe("online");
    page.dispatchEvent(new Event("pageshow"));
    clock.advance(300);
    expect((await server.next()).headers.get("last-event-id")).toBe("ep-1");
  });

  it("that becomes visible tries soon; that is hidden does not", async () => {
    const { server, connection, clock } = await online();
    await connection.end();
    clock.advance(1_000);
    (await server.next()).answer(503, {});
    await quiet();
    const made = server.requests;
    page.document.hidden = true;
    page.document.dispatchEvent(new Event("visibilitychange"));
    clock.advance(310);
    await quiet();
    expect(server.requests).toBe(made);
    page.document.hidden = false;
    page.document.dispatchEvent(new Event("visibilitychange"));
    clock.advance(310);
    await quiet();
    expect(server.requests).toBe(made + 1);
  });

  it("that loses its network keeps a stream that lives, and names an outage", async () => {
    const network = new EventTarget();
    const { provider, connection } = await online({ networkTarget: network });
    network.dispatchEvent(new Event("offline"));
    await connection.event("note_created", "ep-2");
    expect(provider.state.status).toBe("online");
    await connection.end();
    expect(provider.state.status).toBe("offline");
    network.dispatchEvent(new Event("online"));
    expect(provider.state.status).toBe("reconnecting");
  });

  it("is not listened to any more after close()", async () => {
    const network = new EventTarget();
    const removed = vi.spyOn(network, "removeEventListener");
    const { provider } = await online({ networkTarget: network });
    provider.close();
    expect(removed.mock.calls.map(([event]) => event).sort()).toEqual(["offline", "online"]);
  });
});

describe("a proxy in between", () => {
  it("is told every twenty seconds that the page lives, with what opened the stream", async () => {
    const { server, clock } = stage({ auth: async () => ({ headers: { authorization: "Bearer t" } }), credentials: "include" });
    const connection = await server.next();
    await connection.hello({ alive: 20_000 });
    clock.advance(19_999);
    expect(server.requests).toBe(1);
    clock.advance(1);
    const alive = await server.next();
    expect(alive.url.href).toBe("http://page.test/sse/alive?connection=c1");
    expect(alive.init).toMatchObject({ method: "POST", credentials: "include", keepalive: true });
    expect(alive.headers.get("authorization")).toBe("Bearer t");
    alive.refuse();
    await connection.write("tidings:heartbeat", { sent: 0 }, "ep-1");
    clock.advance(20_000);
    await server.next();
    expect(server.requests).toBe(3);
  });

  it("that is not there is not, and neither is one by a closed provider", async () => {
    const { server, clock } = await online();
    clock.advance(30_000);
    const other = stage();
    await (await other.server.next()).hello({ alive: 20_000 });
    other.provider.close();
    other.clock.advance(60_000);
    expect([server.requests, other.server.requests]).toEqual([1, 1]);
  });
});

describe("a burst", () => {
  it("is read in blocks between which the page lives, and nothing of it is lost", async () => {
    const { provider, connection, clock } = await online();
    const seen: (string | null)[] = [];
    provider.onAny(({ meta }) => void seen.push(meta.id));
    const text = "x".repeat(10_000);
    const event = (n: number) =>
      `id: ep-${n}\nevent: note_created\ndata: ${JSON.stringify({ type: "note_created", data: { ...fixture("note_created").data, pad: text } })}\n\n`;
    const sent = Array.from({ length: 50 }, (_, n) => n + 2);
    await connection.raw(sent.map(event).join(""));
    const first = seen.length;
    expect(first).toBeGreaterThan(5);
    expect(first).toBeLessThan(20);
    for (let blocks = 0; seen.length < sent.length && blocks < 10; blocks++) {
      clock.advance(0);
      await quiet();
    }
    expect(seen).toEqual(sent.map((n) => `ep-${n}`));
  });
});
