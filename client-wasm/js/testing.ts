/**
 * `@tidings/client/testing`: a provider without a server. A test says what arrives and where the connection stands.
 *
 * Its handlers are called by the code that calls them in a page, and events wait for `load` and for resync handlers as
 * they do there; one suite of tests runs over both. What it lacks is time: there is no attempt, no retry, and a load or a
 * resync takes too long only when the test says so (`timeOut`).
 *
 * ```ts
 * const provider = createTestProvider<Events>();
 * render(<BackendEventProvider provider={provider}><Notes /></BackendEventProvider>);
 * act(() => provider.emit("note_created", { body: "hello" }));
 * ```
 */
import type { Core } from "./core.js";
import { earliestCursor } from "./cursor.js";
import { BackendEventError } from "./error.js";
import { Loads } from "./load.js";
import { loggerOf } from "./log.js";
import { type AnyHandler, type Occasion, Registrations } from "./registrations.js";
import { Hold } from "./testing/hold.js";
import type {
  ApplicationErrorOf,
  BackendEventError as ErrorShape,
  BackendEventProviderInstance,
  ConnectionState,
  EventMeta,
  EventName,
  ListenOptions,
  ResyncReason,
  Unsubscribe,
} from "./types.js";

/** What a test may say about an event it emits; by default it is live, from the network, without an id. */
export type EmittedMeta = Partial<Omit<EventMeta, "type">>;

/** The provider's surface and the test's side of it. */
export interface TestProvider<E extends object> extends BackendEventProviderInstance<E> {
  /**
   * Delivers an event to its handlers, after the events and loads it has to wait for. One whose id is not above the last
   * is a repeat and dropped. Throws where nothing can arrive: `closed` and `unauthorized`.
   */
  emit<K extends EventName<E>>(type: K, data: E[K], meta?: EmittedMeta): void;
  /** Delivers an event this contract does not have, to `onUnknown`. */
  emitUnknown(type: string, data: unknown, meta?: EmittedMeta): void;
  /** Says where the connection stands. */
  setState(s: ConnectionState): void;
  /** Asks the page to load again; events wait until all handlers have settled, and running loads run again. */
  resync(reason: ResyncReason): void;
  /** Says that the loads and the resync that run have taken too long: they are aborted and no longer hold events. */
  timeOut(): void;
  /** Reports an error to `onError`. */
  fail(error: ErrorShape): void;
  /** The identity set last; `undefined` before the first. */
  readonly identity: string | null | undefined;
  /** The groups that are followed now, in the order they were asked for. */
  readonly followed: readonly string[];
}

const IDLE: ConnectionState = Object.freeze({ status: "idle" });
let made = 0;

/** A provider in `idle`. `connect()` makes it `connecting`, `close()` `closed`; all else is the test's to say. */
export function createTestProvider<E extends object>(): TestProvider<E> {
  const handlers = new Registrations((error) => loggerOf(undefined).error(error.message, error));
  const loads = new Loads();
  const hold = new Hold(
    () => handlers.report(calledOff("hold_overflow", "more than 1000 events came while the page was loaded")),
    (load, cause) => loads.release(load, cause),
  );
  const origin = `test-origin-${++made}`;
  const followed: string[] = [];
  let state = IDLE;
  let received: string | null = null;
  let lastEventId: string | null = null;
  let identity: string | null | undefined;
  loads.open(hold as Pick<Core, "hold" | "settle"> as Core);

  const isSilent = (): boolean => state.status === "closed" || state.status === "unauthorized";

  function setState(next: ConnectionState): void {
    if (next === state) return;
    const previous = state;
    state = Object.freeze(next);
    if (isSilent()) loads.shut();
    else loads.open(hold as Pick<Core, "hold" | "settle"> as Core);
    handlers.call("state", [state, previous]);
  }

  function listen(occasion: Occasion, names: readonly string[], handler: AnyHandler, o: ListenOptions = {}): Unsubscribe {
    if (o.signal?.aborted) return () => {};
    const end = handlers.add(occasion, names, handler, o.once ?? false);
    o.signal?.addEventListener("abort", end, { once: true });
    return end;
  }

  function deliver(meta: EventMeta, call: () => void): void {
    if (isSilent()) throw new Error(`nothing arrives while the provider is ${state.status}: connect() it, or setState, before emitting ${meta.type}`);
    if (meta.id !== null) {
      if (received !== null && earliestCursor(meta.id, received) === meta.id) return;
      received = meta.id;
    }
    hold.pass(() => {
      if (meta.id !== null) lastEventId = meta.id;
      call();
    });
  }

  function forget(): void {
    hold.drop();
    received = lastEventId = null;
  }

  return {
    on: (type, handler, o) => listen("event", typeof type === "string" ? [type] : type, handler, o),
    off: (type, handler) => handlers.off(type, handler),
    once(type, o = {}) {
      return new Promise((resolve, reject) => {
        if (!rejectOnAbort(o.signal, reject)) return;
        listen("event", [type], (data, meta) => resolve({ data, meta }), { once: true, signal: o.signal });
      });
    },
    onAny: (handler, o) => listen("any", [], handler, o),
    onUnknown: (handler, o) => listen("unknown", [], handler, o),
    onState(handler, o) {
      if (o?.signal?.aborted) return () => {};
      if (o?.immediate) {
        handler(state, state);
        if (o.once) return () => {};
      }
      return listen("state", [], handler, o);
    },
    onResync: (handler, o) => listen("resync", [], handler, o),
    onError: (handler, o) => listen("error", [], handler, o),
    onApplicationError: (handler, o) => listen("application_error", [], handler, o),
    load: (fn) => loads.run(fn),
    origin,
    get state() {
      return state;
    },
    get lastEventId() {
      return lastEventId;
    },
    get identity() {
      return identity;
    },
    get followed() {
      return [...followed];
    },
    subscribe: (onChange) => listen("state", [], () => onChange()),
    getSnapshot: () => state,
    getServerSnapshot: () => IDLE,
    connect() {
      if (isSilent() || state.status === "idle") setState({ status: "connecting", since: Date.now() });
    },
    reconnect: () => setState({ status: "connecting", since: Date.now() }),
    whenOnline(o = {}) {
      return new Promise((resolve, reject) => {
        if (state.status === "online") return resolve();
        if (!rejectOnAbort(o.signal, reject)) return;
        const ending = new AbortController();
        const late = new BackendEventError("transport", "timeout", `not online within ${o.timeoutMs} ms`);
        const timer = o.timeoutMs === undefined ? undefined : setTimeout(() => end(() => reject(late)), o.timeoutMs);
        const end = (conclude: () => void): void => {
          ending.abort();
          clearTimeout(timer);
          conclude();
        };
        const look = (now: ConnectionState): void => {
          if (now.status === "online") end(resolve);
          else if (now.status === "unauthorized") end(() => reject(now.reason));
          else if (now.status === "closed") end(() => reject(closedError(now.reason)));
        };
        listen("state", [], look, { signal: ending.signal });
      });
    },
    follow(group) {
      followed.push(group);
      let follows = true;
      return () => {
        if (follows) followed.splice(followed.indexOf(group), 1);
        follows = false;
      };
    },
    setIdentity(next) {
      if (next === identity) return;
      identity = next;
      forget();
      if (next === null) setState(IDLE);
      else hold.resync((signal) => handlers.call("resync", ["identity_changed" satisfies ResyncReason, { signal }]));
    },
    close() {
      hold.drop();
      received = lastEventId;
      if (state.status !== "closed") setState({ status: "closed", reason: "close()" });
    },
    inspect: () => ({ state, attempts: 0, lastByteAt: null, handlers: handlers.counts(), role: "solo" }),
    emit(type, data, given) {
      const meta = metaOf(type, given);
      deliver(meta, () => {
        handlers.call("event", [data, meta], type);
        if (type === "application_error") handlers.call("application_error", [data as ApplicationErrorOf<E>, meta]);
        handlers.call("any", [{ type, data, meta }]);
      });
    },
    emitUnknown(type, data, given) {
      const meta = metaOf(type, given);
      deliver(meta, () => void handlers.call("unknown", [type, data, meta]));
    },
    setState,
    resync: (reason) => hold.resync((signal) => handlers.call("resync", [reason, { signal }])),
    timeOut() {
      if (hold.callOff("timeout")) handlers.report(calledOff("resync_timeout", "the page was not loaded in time"));
    },
    fail: (error) => handlers.report(error),
  };
}

function metaOf<K extends string>(type: K, given: EmittedMeta = {}): EventMeta<K> {
  const rest = { id: null, replayed: false, via: "network", sentAt: null, correlationId: null, own: false } as const;
  return Object.freeze({ ...rest, receivedAt: Date.now(), ...given, type });
}

/** False where it has rejected already. */
function rejectOnAbort(signal: AbortSignal | undefined, reject: (reason: unknown) => void): boolean {
  if (signal?.aborted) reject(signal.reason);
  signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  return !signal?.aborted;
}

function calledOff(code: "resync_timeout" | "hold_overflow", message: string): BackendEventError {
  return new BackendEventError("handler", code, message, { retryable: true });
}

function closedError(reason: "close()" | "server-204" | ErrorShape): ErrorShape {
  return typeof reason === "string" ? new BackendEventError("transport", "closed", `closed by ${reason}`) : reason;
}
