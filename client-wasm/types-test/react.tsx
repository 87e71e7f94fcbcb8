/** The hooks and the component, typed by one contract. */
import type { JSX } from "react";
import { BackendEventProvider, createBackendEventHooks, useBackendEvent, useConnectionState } from "../js/react.js";
import { createTestProvider } from "../js/testing.js";
import type { BackendEventProviderInstance, BoundContract, ConnectionState } from "../js/types.js";
import { EventType, type Action, type Events, type HandWritten } from "./contract.js";
import { same } from "./expect.js";

declare const bound: BoundContract<Events>;
const hooks = createBackendEventHooks<Events>(bound);
const unbound = createBackendEventHooks<HandWritten>();
hooks.createBackendEventProvider({ url: "/sse" });
// @ts-expect-error nothing to make a provider of
unbound.createBackendEventProvider;

export function Typed(): JSX.Element {
  hooks.useBackendEvent(EventType.ActionCreated, ({ action }) => same<typeof action, Action>());
  hooks.useBackendEvent("action_deleted", async ({ action_id }) => void action_id, { enabled: false });
  hooks.useBackendEvent(["action_created", "action_deleted"], (data) => void data.coaching_session_id);
  // @ts-expect-error no such event
  hooks.useBackendEvent("action_gone", () => {});
  // @ts-expect-error no such field
  hooks.useBackendEvent("action_deleted", ({ action }) => action);
  unbound.useBackendEvent("saved", ({ at }) => void at);

  same<ConnectionState, ReturnType<typeof hooks.useBackendEventProvider>["state"]>();
  const state = hooks.useConnectionState();
  same<typeof state, ConnectionState>();
  const isOnline = hooks.useConnectionState((s) => s.status === "online", { graceMs: 1_000 });
  same<typeof isOnline, boolean>();
  // @ts-expect-error no such option
  hooks.useConnectionState((s) => s, { grace: 1 });

  hooks.useResync((reason) => void reason.length);
  hooks.useResync(async (_, { signal }) => void (await fetch("/", { signal })));
  // @ts-expect-error no such reason
  hooks.useResync((reason) => void (reason === "boredom"));

  return (
    <>
      <hooks.BackendEventProvider options={{ url: "/sse" }} enabled={isOnline} />
      <hooks.BackendEventProvider provider={createTestProvider<Events>()}>text</hooks.BackendEventProvider>
      {/* @ts-expect-error one of the two is needed */}
      <hooks.BackendEventProvider />
      {/* @ts-expect-error and only one */}
      <hooks.BackendEventProvider provider={createTestProvider<Events>()} options={{ url: "/sse" }} />
      {/* @ts-expect-error another contract's provider */}
      <hooks.BackendEventProvider provider={createTestProvider<HandWritten>()} />
    </>
  );
}

// One name, two meanings: the component and the instance.
export function Loose({ provider }: { provider: BackendEventProvider<Events> }): JSX.Element {
  same<typeof provider, BackendEventProviderInstance<Events>>();
  useBackendEvent("anything", (data) => same<typeof data, unknown>());
  return <BackendEventProvider provider={provider}>{useConnectionState((s) => s.status)}</BackendEventProvider>;
}

const test = createTestProvider<Events>();
test.emit("action_deleted", { coaching_session_id: "1", action_id: "2" }, { replayed: true });
// @ts-expect-error another event's payload
test.emit("action_created", { coaching_session_id: "1", action_id: "2" });
test.resync("epoch");
// @ts-expect-error no such reason
test.resync("boredom");
