/** An app as strict as TypeScript allows, over the packed declarations. What is marked must not compile. */
import { bindContract, type BackendEventProvider as Generic, type EventMapOf } from "@tidings/client";
import { createTestProvider as createAnyTestProvider } from "@tidings/client/testing";
import { BackendEventError, BackendEventProvider, EventType, UnauthorizedError, type Action, type ConnectionState, type Events } from "@tidings/coaching-events";
import { BackendEventProvider as Live, useBackendEvent, useConnectionState, useResync } from "@tidings/coaching-events/react";
import { fromUrl } from "@tidings/coaching-events/slim";
import { createTestProvider } from "@tidings/coaching-events/testing";

const provider: BackendEventProvider = new BackendEventProvider({
  url: "/sse",
  identity: "anna",
  auth: async ({ reason }) => {
    if (reason === "rejected") throw new UnauthorizedError();
    return { headers: { authorization: "Bearer t" } };
  },
  onError: (error) => void (error instanceof BackendEventError && error.code satisfies string),
});
// @ts-expect-error the address is needed
new BackendEventProvider({});

const end: () => void = provider.on(EventType.ActionCreated, ({ action }) => void (action satisfies Action));
end();
provider.on("action_created", ({ action }, { own }) => void (own satisfies boolean && action.id));
// @ts-expect-error no event has this name
provider.on("action_creatd", () => {});
// @ts-expect-error the payload has no such field
provider.on(EventType.ActionDeleted, ({ action }) => action);
// @ts-expect-error what is received cannot be changed
provider.on(EventType.NoteCreated, (_, meta) => (meta.id = null));
provider.onApplicationError((error) => error satisfies Events["application_error"]);
void provider.load(async ({ signal }) => (await fetch("/actions", { signal })).json());

/** Every state is looked at: a new one would not compile. */
export function words(state: ConnectionState): string {
  switch (state.status) {
    case "idle":
    case "connecting":
      return "";
    case "online":
      return state.role;
    case "reconnecting":
    case "offline":
    case "long-broken":
      return `${state.reason.message}, again at ${state.retryAt}`;
    case "unauthorized":
      return state.reason.message;
    case "closed":
      return typeof state.reason === "string" ? state.reason : state.reason.message;
    default:
      return state satisfies never;
  }
}
// @ts-expect-error only an outage has an attempt
export const attempt = (state: ConnectionState): number => state.attempt;

export function App({ given }: { given: BackendEventProvider }) {
  return (
    <>
      <Live options={{ url: "/sse" }}>
        <Part />
      </Live>
      <Live provider={given} />
      {/* @ts-expect-error one of the two, not both */}
      <Live provider={given} options={{ url: "/sse" }} />
    </>
  );
}

function Part() {
  useBackendEvent([EventType.NoteCreated, "note_updated"], ({ note }) => void note.body);
  // @ts-expect-error no event has this name
  useBackendEvent("note_burnt", () => {});
  useResync(async (reason, { signal }) => void (await fetch(`/notes?why=${reason}`, { signal })));
  return <p>{useConnectionState((state) => state.status, { graceMs: 2_000 })}</p>;
}

const slim = fromUrl("/coaching_events_bg.wasm");
slim.createBackendEventProvider({ url: "/sse" }).on("action_deleted", ({ action_id }) => action_id.length);

// Another contract, bound by hand.
type Order = { type: "order_shipped"; data: { order: string } } | { type: "order_lost"; data: { why: string } };
const orders = bindContract<EventMapOf<Order>>({ load: () => Promise.reject(new Error()), revision: 1, hash: "", names: ["order_shipped"], applicationError: null });
const shop: Generic<EventMapOf<Order>> = orders.createBackendEventProvider({ url: "/sse" });
shop.on("order_shipped", ({ order }) => order.length);
// @ts-expect-error another event's payload
shop.on("order_lost", ({ order }) => order);

const test = createTestProvider();
test.emit("action_deleted", { coaching_session_id: "1", action_id: "2" });
// @ts-expect-error a field is missing
test.emit("action_deleted", { coaching_session_id: "1" });
export const part = <Live provider={test} />;
createAnyTestProvider<EventMapOf<Order>>().emit("order_shipped", { order: "1" });
