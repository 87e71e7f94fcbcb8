// @vitest-environment jsdom
import { act, cleanup, render, renderHook } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createBackendEventHooks } from "../js/react.js";
import { createTestProvider, type TestProvider } from "../js/testing.js";
import type { ConnectionState, UnauthorizedError } from "../js/types.js";
import { error, online, outage, type Events } from "./support/contract.js";

const hooks = createBackendEventHooks<Events>();
const START = 1_000_000;
const GRACE = 3_000;

let provider: TestProvider<Events>;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
  provider = createTestProvider<Events>();
});
afterEach(() => {
  cleanup();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const wrapper = ({ children }: { children?: ReactNode }): ReactNode => (
  <StrictMode>
    <hooks.BackendEventProvider provider={provider}>{children}</hooks.BackendEventProvider>
  </StrictMode>
);

/** What a page with this grace shows from now on. */
function shown(graceMs = GRACE): () => string {
  const { result } = renderHook(() => hooks.useConnectionState((s) => s.status, { graceMs }), { wrapper });
  return () => result.current;
}

const become = (s: ConnectionState): void => act(() => provider.setState(s));
const pass = (ms: number): void => act(() => void vi.advanceTimersByTime(ms));

it.each(["reconnecting", "offline"] as const)("hides %s until the grace is over, to the millisecond", (status) => {
  const status_ = shown();
  become(online());
  become(outage(status, START));
  expect(status_()).toBe("online");
  pass(GRACE - 1);
  expect(status_()).toBe("online");
  pass(1);
  expect(status_()).toBe(status);
});

it("never shows an outage that ended within the grace", () => {
  const states: string[] = [];
  function Status(): null {
    states.push(hooks.useConnectionState((s) => s.status, { graceMs: GRACE }));
    return null;
  }
  render(<Status />, { wrapper });
  become(online());
  become(outage("reconnecting", START));
  pass(GRACE - 1);
  become(online());
  pass(10 * GRACE);
  expect(new Set(states)).toEqual(new Set(["idle", "online"]));
});

it("counts from the outage's beginning, not from each of its states", () => {
  const status = shown();
  become(online());
  become(outage("reconnecting", START));
  pass(2_000);
  become(outage("offline", START, 2));
  expect(status()).toBe("online");
  pass(500);
  become(outage("reconnecting", START, 3));
  expect(status()).toBe("online");
  pass(500);
  expect(status()).toBe("reconnecting");
  become(outage("offline", START, 4));
  expect(status()).toBe("offline");
});

it("begins anew with the next outage", () => {
  const status = shown();
  become(online());
  become(outage("reconnecting", START));
  pass(GRACE);
  become(online(START + GRACE));
  expect(status()).toBe("online");
  become(outage("reconnecting", START + GRACE));
  expect(status()).toBe("online");
  pass(GRACE);
  expect(status()).toBe("reconnecting");
});

it.each<[string, ConnectionState]>([
  ["long-broken", outage("long-broken", START)],
  ["unauthorized", { status: "unauthorized", reason: error() as UnauthorizedError }],
  ["closed", { status: "closed", reason: "server-204" }],
  ["online", online(START)],
])("shows %s at once", (name, state) => {
  const status = shown();
  become(online());
  become(outage("reconnecting", START));
  expect(status()).toBe("online");
  become(state);
  expect(status()).toBe(name);
});

it("hides nothing without a grace", () => {
  const status = shown(0);
  become(online());
  become(outage("reconnecting", START));
  expect(status()).toBe("reconnecting");
});

it("shows a component mounted during the outage what was before it, until the same moment", () => {
  shown();
  become(online());
  become(outage("reconnecting", START));
  pass(2_000);
  const late = shown();
  expect(late()).toBe("online");
  pass(1_000);
  expect(late()).toBe("reconnecting");
});

it("shows a component mounted after the grace the outage at once", () => {
  become(outage("reconnecting", START - GRACE));
  expect(shown()()).toBe("reconnecting");
});

it("leaves no timer behind when it goes within the grace", () => {
  shown();
  become(online());
  become(outage("reconnecting", START));
  expect(vi.getTimerCount()).toBeGreaterThan(0);
  cleanup();
  expect(vi.getTimerCount()).toBe(0);
});

it("calls a provider handed over within the grace connecting", () => {
  become(outage("reconnecting", START));
  const status = shown();
  expect(status()).toBe("connecting");
  pass(GRACE);
  expect(status()).toBe("reconnecting");
});

it("waits no longer than the grace when the wall clock is set back", () => {
  const status = shown();
  become(online());
  vi.setSystemTime(START - 3_600_000);
  become(outage("reconnecting", START));
  pass(GRACE);
  expect(status()).toBe("reconnecting");
  become(outage("reconnecting", START, 2));
  expect(status()).toBe("reconnecting");
});
