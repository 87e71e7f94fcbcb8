// @vitest-environment jsdom
import { act, cleanup, render } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { afterEach, expect, it } from "vitest";
import { bindContract } from "../js/bind.js";
import type { Core, Host } from "../js/core.js";
import { createBackendEventHooks } from "../js/react.js";
import type { Events } from "./support/contract.js";

afterEach(cleanup);

/** What stands in for the wasm: it connects at once and can be made to deliver. */
class RecordingCore implements Core {
  static made: RecordingCore[] = [];
  static connected = (): RecordingCore[] => RecordingCore.made.filter((core) => core.isConnected);
  static peak = 0;
  isConnected = false;
  lastEventId = "";
  readonly identities: boolean[] = [];

  constructor(readonly host: Host) {
    RecordingCore.made.push(this);
  }
  connect(): void {
    this.isConnected = true;
    RecordingCore.peak = Math.max(RecordingCore.peak, RecordingCore.connected().length);
    this.host.state("online", 0, 0, undefined, false, "solo", undefined);
  }
  reconnect(): void {}
  close(): void {
    this.isConnected = false;
    this.host.state("closed", 0, 0, undefined, false, "solo", "close()");
  }
  setIdentity(signedIn: boolean): void {
    this.identities.push(signedIn);
  }
  hold(): undefined {}
  settle(): void {}
  granted(): void {}
  stolen(): void {}
  hear(): void {}
  connection = "";
  deliver(type: string, data: unknown, id: string): void {
    this.lastEventId = id;
    this.host.event("event", type, data, undefined, id, false, false);
  }
}

const names = ["note_created", "note_deleted"];
const load = async (): Promise<{ Provider: typeof RecordingCore }> => ({ Provider: RecordingCore });
const hooks = createBackendEventHooks(bindContract<Events>({ load, revision: 1, hash: "", names, applicationError: null }));

it("serves a page over its whole life: StrictMode, events, another user, other options, the end", async () => {
  const heard: string[] = [];
  function Page(): ReactNode {
    hooks.useBackendEvent("note_created", ({ body }) => void heard.push(body));
    return hooks.useConnectionState((s) => s.status, { graceMs: 1_000 });
  }
  const page = (identity: string, groups?: string[]): ReactNode => (
    <StrictMode>
      <hooks.BackendEventProvider options={{ url: "/sse", identity, groups, replay: { from: async () => "e-1" } }}>
        <Page />
      </hooks.BackendEventProvider>
    </StrictMode>
  );
  const only = (): RecordingCore => {
    expect(RecordingCore.connected()).toHaveLength(1);
    return RecordingCore.connected()[0]!;
  };

  const { container, rerender, unmount } = render(page("ann"));
  await act(async () => {});
  const first = only();
  expect(container.textContent).toBe("online");
  expect(await first.host.from()).toBe("e-1");
  first.deliver("note_created", { body: "one" }, "e-2");

  await act(async () => rerender(page("bob")));
  expect(only()).toBe(first);
  expect(first.identities).toEqual([true]);

  await act(async () => rerender(page("bob", ["team"])));
  await act(async () => {});
  const second = only();
  expect(second).not.toBe(first);
  expect(await second.host.from()).toBe("e-2");
  first.deliver("note_created", { body: "late" }, "e-9");
  second.deliver("note_created", { body: "two" }, "e-3");
  expect(heard).toEqual(["one", "two"]);

  await act(async () => unmount());
  expect(RecordingCore.connected()).toEqual([]);
  expect(RecordingCore.peak).toBe(1);
});
