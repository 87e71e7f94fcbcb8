/** Handlers know their payload; a wrong name or field does not compile. */
import type { BackendEventProviderInstance, EventMap, EventMeta, EventName } from "../js/types.js";
import { EventType, type Action, type ApplicationError, type Event, type Events, type HandWritten } from "./contract.js";
import { same } from "./expect.js";

declare const provider: BackendEventProviderInstance<Events>;
declare const handWritten: BackendEventProviderInstance<HandWritten>;
declare const loose: BackendEventProviderInstance<EventMap>;

same<EventName<Events>, Event["type"]>();
same<Events["action_created"], { coaching_session_id: string; action: Action }>();

// A member of the enum and its string name the same event.
provider.on(EventType.ActionCreated, ({ action }, meta) => {
  same<typeof action, Action>();
  same<typeof meta.type, EventType.ActionCreated>();
});
provider.on("action_created", ({ action }, meta) => {
  same<typeof action, Action>();
  same<typeof meta, EventMeta<"action_created">>();
});
// @ts-expect-error no such event
provider.on("action_creatd", () => {});
// @ts-expect-error no such field
provider.on(EventType.ActionDeleted, ({ action }) => action);
// @ts-expect-error the payload is another event's
provider.on("action_deleted", (data: Events["action_created"]) => data);
// What a handler returns does not matter: a refetch's promise of data is as good as nothing.
provider.on("action_created", async () => 1);
provider.onResync(() => Promise.resolve({ data: 1 }));

// A list of names gives the union of their payloads.
const stop = provider.on(["action_created", EventType.ActionDeleted], (data, meta) => {
  data.coaching_session_id satisfies string;
  // @ts-expect-error only one of the two has it
  data.action;
  meta.type satisfies "action_created" | "action_deleted";
});
same<typeof stop, () => void>();
provider.on(["action_created", "action_deleted"] as const, async (data) => void data.coaching_session_id);
// @ts-expect-error one of the names is wrong
provider.on(["action_created", "action_undone"], () => {});

const onDeleted = (data: Events["action_deleted"]): void => void data.action_id;
provider.off("action_deleted", onDeleted);
// @ts-expect-error never a handler of that event
provider.off("action_created", onDeleted);

void provider.once("action_deleted").then(({ data, meta }) => {
  same<typeof data.action_id, string>();
  same<typeof meta.type, "action_deleted">();
});

provider.onAny((event) => {
  if (event.type === "action_created") same<typeof event.data.action, Action>();
  // @ts-expect-error not narrowed to an event that has it
  event.data.action_id;
});
provider.onUnknown((type, data) => {
  same<typeof type, string>();
  same<typeof data, unknown>();
});

provider.onApplicationError((e, meta) => {
  same<typeof e, ApplicationError>();
  same<typeof meta.correlationId, string | null>();
});
handWritten.onApplicationError((e) => same<typeof e, never>());

// An interface needs no index signature, a map without names knows no payload.
handWritten.on("saved", ({ at }) => at.length);
// @ts-expect-error no such event
handWritten.on("lost", () => {});
loose.on("whatever", (data) => same<typeof data, unknown>());

// What is loaded keeps its type, and meta cannot be changed.
void provider.load(async ({ signal }) => ({ ok: signal.aborted })).then((x) => same<typeof x, { ok: boolean }>());
// @ts-expect-error not a promise
provider.load(() => 1);
// @ts-expect-error read-only
provider.on("action_created", (_, meta) => (meta.own = true));
