import { expect, it, vi } from "vitest";
import { createTestProvider } from "../js/testing.js";
import type { BackendEventError, ConnectionStatus } from "../js/types.js";
import { error, online } from "./support/contract.js";

interface Events {
  note_created: { body: string };
  note_deleted: { id: string };
  application_error: { message: string };
}

const setUp = () => {
  const provider = createTestProvider<Events>();
  const log: string[] = [];
  const errors: BackendEventError[] = [];
  provider.onError((e) => errors.push(e));
  return { provider, log, errors };
};

it("delivers to the handlers of the name, and to those of any", () => {
  const { provider, log } = setUp();
  provider.on("note_created", ({ body }) => log.push(`on ${body}`));
  provider.on("note_deleted", ({ id }) => log.push(`on ${id}`));
  provider.onAny((e) => log.push(`any ${e.type}`));
  provider.onUnknown((type) => log.push(`unknown ${type}`));
  provider.emit("note_created", { body: "a" }, { id: "e-1" });
  provider.emitUnknown("note_burnt", {}, { id: "e-2" });
  expect(log).toEqual(["on a", "any note_created", "unknown note_burnt"]);
  expect(provider.lastEventId).toBe("e-2");
});

it("gives an application error to its own handlers and to the others", () => {
  const { provider, log, errors } = setUp();
  provider.onApplicationError(({ message }) => log.push(`app ${message}`));
  provider.on("application_error", ({ message }) => log.push(`on ${message}`));
  provider.emit("application_error", { message: "conflict" });
  expect(log.sort()).toEqual(["app conflict", "on conflict"]);
  expect(errors).toEqual([]);
});

it("ends a registration by its result, by off, by its signal and with once", async () => {
  const { provider, log } = setUp();
  const abort = new AbortController();
  const named = (): unknown => log.push("named");
  const end = provider.on("note_created", () => log.push("returned"));
  provider.on("note_created", named);
  provider.on("note_created", () => log.push("signal"), { signal: abort.signal });
  provider.on(["note_created", "note_deleted"], () => log.push("once"), { once: true });
  provider.onAny(() => log.push("any once"), { once: true });
  const next = provider.once("note_created");
  provider.emit("note_created", { body: "1" });
  expect(log.splice(0)).toEqual(["returned", "named", "signal", "once", "any once"]);
  expect((await next).data).toEqual({ body: "1" });
  end();
  end();
  provider.off("note_created", named);
  abort.abort();
  provider.emit("note_created", { body: "2" });
  provider.emit("note_deleted", { id: "3" });
  expect(log).toEqual([]);
  expect(provider.inspect().handlers).toEqual({});
});

it("reports a handler that throws, and calls the others", async () => {
  const { provider, log, errors } = setUp();
  provider.on("note_created", () => {
    throw new Error("broken");
  });
  provider.on("note_created", () => Promise.reject(new Error("late")));
  provider.on("note_created", () => log.push("called"));
  provider.emit("note_created", { body: "" });
  expect(log).toEqual(["called"]);
  await vi.waitFor(() => expect(errors).toHaveLength(2));
  expect(errors.map((e) => [e.kind, e.code, e.message])).toEqual([
    ["handler", "handler_threw", "broken"],
    ["handler", "handler_rejected", "late"],
  ]);
});

it("holds events while anything loads, then delivers them in order", async () => {
  const { provider, log } = setUp();
  const finish: (() => void)[] = [];
  const loading = (): Promise<string> => new Promise((resolve) => finish.push(() => resolve("data")));
  provider.on("note_created", ({ body }) => log.push(body));
  const loads = [provider.load(loading), provider.load(loading)];
  provider.emit("note_created", { body: "1" });
  provider.emit("note_created", { body: "2" });
  finish[0]!();
  await loads[0];
  expect(log).toEqual([]);
  finish[1]!();
  expect(await loads[1]).toBe("data");
  expect(log).toEqual(["1", "2"]);
});

it("lets events go when a load fails", async () => {
  const { provider, log } = setUp();
  provider.on("note_created", ({ body }) => log.push(body));
  const load = provider.load(() => Promise.reject(new Error("500")));
  provider.emit("note_created", { body: "1" });
  await expect(load).rejects.toThrow("500");
  expect(log).toEqual(["1"]);
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
  provider.close();
  expect(seen).toEqual(["idle", "connecting", "online", "closed"]);
  expect(log).toEqual(["connecting", "online", "closed"]);
  expect(provider.getServerSnapshot()).toEqual({ status: "idle" });
});

it("drops the cursor and asks for a resync with another identity", () => {
  const { provider, log } = setUp();
  provider.onResync((reason) => log.push(reason));
  provider.emit("note_created", { body: "" }, { id: "e-1" });
  provider.setIdentity("bob");
  expect([provider.identity, provider.lastEventId, log]).toEqual(["bob", null, ["identity_changed"]]);
});

it("passes an error on and fails a wait whose signal aborts", async () => {
  const { provider, errors } = setUp();
  const failure = error();
  provider.fail(failure);
  expect(errors).toEqual([failure]);
  const gone = AbortSignal.abort(new Error("left"));
  await expect(provider.once("note_created", { signal: gone })).rejects.toThrow("left");
  await expect(provider.whenOnline({ signal: gone })).rejects.toThrow("left");
});
