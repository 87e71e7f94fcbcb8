// @vitest-environment jsdom
import { act, cleanup, render, renderHook } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { afterEach, expect, it, vi } from "vitest";
import { BackendEventProvider, createBackendEventHooks, useBackendEvent, useConnectionState } from "../js/react.js";
import { createTestProvider } from "../js/testing.js";
import type { BackendEventError, EventMeta } from "../js/types.js";
import { online, type Events } from "./support/contract.js";

const hooks = createBackendEventHooks<Events>();

function setUp() {
  const provider = createTestProvider<Events>();
  const on = vi.spyOn(provider, "on");
  const wrapper = ({ children }: { children: ReactNode }): ReactNode => (
    <StrictMode>
      <hooks.BackendEventProvider provider={provider}>{children}</hooks.BackendEventProvider>
    </StrictMode>
  );
  return { provider, on, wrapper };
}

afterEach(cleanup);

it("calls the latest handler without registering it again", () => {
  const { provider, on, wrapper } = setUp();
  const heard: string[] = [];
  const { rerender } = renderHook(
    ({ mark }) => hooks.useBackendEvent("note_created", ({ body }) => void heard.push(`${mark} ${body}`)),
    { wrapper, initialProps: { mark: "first" } },
  );
  const registrations = on.mock.calls.length;
  rerender({ mark: "second" });
  rerender({ mark: "third" });
  provider.emit("note_created", { body: "hi" });
  expect(heard).toEqual(["third hi"]);
  expect(on.mock.calls.length).toBe(registrations);
});

it("registers once under StrictMode and leaves nothing behind", () => {
  const { provider, wrapper } = setUp();
  const { unmount } = renderHook(() => hooks.useBackendEvent("note_created", () => {}), { wrapper });
  expect(provider.inspect().handlers).toMatchObject({ note_created: 1 });
  unmount();
  expect(provider.inspect().handlers).toEqual({});
});

it("compares a list of names by value", () => {
  const { provider, on, wrapper } = setUp();
  const heard: string[] = [];
  const { rerender } = renderHook(
    ({ names }: { names: ("note_created" | "note_deleted")[] }) =>
      hooks.useBackendEvent(names, (_data, meta) => void heard.push(meta.type)),
    { wrapper, initialProps: { names: ["note_created"] } },
  );
  const registrations = on.mock.calls.length;
  rerender({ names: ["note_created"] });
  expect(on.mock.calls.length).toBe(registrations);
  rerender({ names: ["note_created", "note_deleted"] });
  provider.emit("note_created", { body: "" });
  provider.emit("note_deleted", { id: "1" });
  expect(heard).toEqual(["note_created", "note_deleted"]);
});

it("listens only while enabled", () => {
  const { provider, wrapper } = setUp();
  const handler = vi.fn();
  const { rerender } = renderHook(({ enabled }) => hooks.useBackendEvent("note_created", handler, { enabled }), {
    wrapper,
    initialProps: { enabled: false },
  });
  provider.emit("note_created", { body: "unheard" });
  rerender({ enabled: true });
  provider.emit("note_created", { body: "heard" });
  rerender({ enabled: false });
  provider.emit("note_created", { body: "unheard" });
  expect(handler.mock.calls.map(([data]) => data)).toEqual([{ body: "heard" }]);
});

it("gives data and meta, and reports what a handler rejects with", async () => {
  const { provider, wrapper } = setUp();
  const seen: [unknown, EventMeta][] = [];
  const errors: BackendEventError[] = [];
  provider.onError((e) => void errors.push(e));
  renderHook(
    () =>
      hooks.useBackendEvent("note_created", async (data, meta) => {
        seen.push([data, meta]);
        throw new Error("toast broke");
      }),
    { wrapper },
  );
  await act(async () => provider.emit("note_created", { body: "x" }, { id: "e-1", own: true }));
  expect(seen).toEqual([[{ body: "x" }, expect.objectContaining({ type: "note_created", id: "e-1", own: true })]]);
  expect(errors.map((e) => [e.kind, e.message])).toEqual([["handler", "toast broke"]]);
});

it("holds events until the latest resync handler has settled", async () => {
  const { provider, wrapper } = setUp();
  const heard: string[] = [];
  let loaded = (): void => {};
  const { rerender } = renderHook(
    ({ mark }) => {
      hooks.useBackendEvent("note_created", ({ body }) => void heard.push(body));
      hooks.useResync(async (reason, { signal }) => {
        heard.push(`${mark} ${reason} ${signal.aborted}`);
        await new Promise<void>((resolve) => (loaded = resolve));
        heard.push("loaded");
      });
    },
    { wrapper, initialProps: { mark: "old" } },
  );
  rerender({ mark: "new" });
  provider.resync("retention");
  await act(async () => provider.emit("note_created", { body: "newer" }));
  expect(heard).toEqual(["new retention false"]);
  await act(async () => loaded());
  expect(heard).toEqual(["new retention false", "loaded", "newer"]);
});

it("shows the whole state, and renders again only when a selection changed", () => {
  const { provider, wrapper } = setUp();
  const renders = vi.fn();
  const whole = renderHook(() => hooks.useConnectionState(), { wrapper });
  const selected = renderHook(
    () => {
      renders();
      return hooks.useConnectionState((s) => s.status === "online");
    },
    { wrapper },
  );
  act(() => provider.setState({ status: "connecting", since: 1 }));
  expect(whole.result.current).toBe(provider.state);
  const before = renders.mock.calls.length;
  act(() => provider.setState({ status: "connecting", since: 2 }));
  expect(renders.mock.calls.length).toBe(before);
  act(() => provider.setState(online()));
  expect(selected.result.current).toBe(true);
});

it("comes to rest with an inline selector that makes a new object each time", () => {
  const { provider, wrapper } = setUp();
  const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
  const { result } = renderHook(() => hooks.useConnectionState((s) => ({ shown: s.status })), { wrapper });
  act(() => provider.setState(online()));
  expect(result.current).toEqual({ shown: "online" });
  expect(complaints).not.toHaveBeenCalled();
});

it("says so when there is no provider of this contract above", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  expect(() => renderHook(() => hooks.useConnectionState())).toThrow("there is no <BackendEventProvider>");
  const { wrapper } = setUp();
  expect(() => renderHook(() => useConnectionState(), { wrapper })).toThrow("there is no <BackendEventProvider>");
});

it("serves unbound hooks from any contract's provider", () => {
  const provider = createTestProvider<Events>();
  const heard: unknown[] = [];
  function Listener(): null {
    useBackendEvent("note_created", (data) => void heard.push(data));
    return null;
  }
  render(
    <BackendEventProvider provider={provider}>
      <Listener />
    </BackendEventProvider>,
  );
  provider.emit("note_created", { body: "any" });
  expect(heard).toEqual([{ body: "any" }]);
});
