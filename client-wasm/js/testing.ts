/**
 * A provider without a server: tests say what arrives and where the connection stands.
 *
 * It keeps the promises a page relies on (events wait for `load` and for resync handlers, a handler
 * that throws stops nobody) and decides nothing else: no attempt, no retry, no time.
 */
import { BackendEventError } from "./error.js";
import { HandlerSet, type Report } from "./testing/handler-set.js";
import { Hold } from "./testing/hold.js";
import type {
  AnyEvent,
  ApplicationErrorOf,
  BackendEventError as ErrorShape,
  BackendEventProviderInstance,
  ConnectionState,
  EventMeta,
  EventName,
  ListenOptions,
  ResyncReason,
} from "./types.js";

/** What a test may say about an event it emits. */
export type EmittedMeta = Partial<Omit<EventMeta, "type">>;

/** The provider's surface and the test's side of it. */
export interface TestProvider<E extends object> extends BackendEventProviderInstance<E> {
  /** Delivers an event to its handlers, after the events and loads it has to wait for. */
  emit<K extends EventName<E>>(type: K, data: E[K], meta?: EmittedMeta): void;
  /** Delivers an event this contract does not have. */
  emitUnknown(type: string, data: unknown, meta?: EmittedMeta): void;
  setState(s: ConnectionState): void;
  /** Asks the page to load again; events wait until all handlers have settled. */
  resync(reason: ResyncReason): void;
  /** Reports an error to `onError`. */
  fail(error: ErrorShape): void;
  /** The identity set last; `undefined` before the first. */
  readonly identity: string | null | undefined;
}

const IDLE: ConnectionState = Object.freeze({ status: "idle" });
let made = 0;

/** A provider in `idle`. `connect()` makes it `connecting`, `close()` `closed`; all else is the test's to say. */
export function createTestProvider<E extends object>(): TestProvider<E> {
  const report: Report = (code, cause) => void errors.call(handlerError(code, cause));
  const errors = new HandlerSet<[ErrorShape]>(() => {});
  const byType = new Map<string, HandlerSet<[never, never]>>();
  const any = new HandlerSet<[AnyEvent<E>]>(report);
  const unknown = new HandlerSet<[string, unknown, EventMeta]>(report);
  const applicationErrors = new HandlerSet<[ApplicationErrorOf<E>, EventMeta]>(report);
  const states = new HandlerSet<[ConnectionState, ConnectionState]>(report);
  const resyncs = new HandlerSet<[ResyncReason, { signal: AbortSignal }]>(report);
  const watchers = new HandlerSet<[]>(report);
  const hold = new Hold();
  const origin = `test-origin-${++made}`;
  let state = IDLE;
  let lastEventId: string | null = null;
  let identity: string | null | undefined;

  function setState(next: ConnectionState): void {
    if (next === state) return;
    const previous = state;
    state = Object.freeze(next);
    void watchers.call();
    void states.call(state, previous);
  }

  function resync(reason: ResyncReason): void {
    void hold.until((o) => resyncs.call(reason, o));
  }

  function handlersOf(type: string): HandlerSet<[never, never]> {
    const present = byType.get(type) ?? new HandlerSet(report);
    byType.set(type, present);
    return present;
  }

  function deliver(meta: EventMeta, call: () => void): void {
    hold.pass(() => {
      call();
      if (meta.id !== null) lastEventId = meta.id;
    });
  }

  return {
    on(type, handler, o) {
      const types = typeof type === "string" ? [type] : type;
      const ends = types.map((name) => handlersOf(name).add(o?.once ? first : handler, o));
      const end = (): void => ends.forEach((one) => one());
      function first(...args: Parameters<typeof handler>): unknown {
        end();
        return handler(...args);
      }
      return end;
    },
    off: (type, handler) => handlersOf(type).remove(handler),
    once(type, o) {
      return new Promise((resolve, reject) => {
        rejectOnAbort(o?.signal, reject);
        this.on(type, (data, meta) => resolve({ data, meta }), { ...o, once: true });
      });
    },
    onAny: (handler, o) => any.add(handler, o),
    onUnknown: (handler, o) => unknown.add(handler, o),
    onState(handler, o) {
      if (o?.immediate) handler(state, state);
      return states.add(handler, o);
    },
    onResync: (handler, o) => resyncs.add(handler, o),
    onError: (handler, o) => errors.add(handler, o),
    onApplicationError: (handler, o) => applicationErrors.add(handler, o),
    load: (fn) => hold.until(fn),
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
    subscribe: (onChange) => watchers.add(() => onChange()),
    getSnapshot: () => state,
    getServerSnapshot: () => IDLE,
    connect() {
      const parked = state.status === "idle" || state.status === "closed" || state.status === "unauthorized";
      if (parked) setState({ status: "connecting", since: Date.now() });
    },
    reconnect: () => setState({ status: "connecting", since: Date.now() }),
    whenOnline(o) {
      return new Promise((resolve, reject) => {
        rejectOnAbort(o?.signal, reject);
        const late = (): void => reject(new Error("not online in time"));
        const timer = o?.timeoutMs === undefined ? undefined : setTimeout(late, o.timeoutMs);
        const look = (now: ConnectionState): void => {
          if (now.status !== "online") return;
          clearTimeout(timer);
          resolve();
        };
        this.onState(look, { immediate: true, ...(o?.signal && { signal: o.signal }) });
      });
    },
    follow: () => () => {},
    setIdentity(next) {
      identity = next;
      lastEventId = null;
      resync("identity_changed");
    },
    close: () => setState({ status: "closed", reason: "close()" }),
    inspect() {
      const counts = [...byType].map(([type, handlers]) => [type, handlers.size] as const);
      const handlers = Object.fromEntries(counts.filter(([, count]) => count > 0));
      return { state, attempts: 0, lastByteAt: null, handlers, role: "solo" };
    },
    emit(type, data, given) {
      const meta = metaOf(type, given);
      deliver(meta, () => {
        void byType.get(type)?.call(data as never, meta as never);
        void any.call({ type, data, meta });
        if (type === "application_error") void applicationErrors.call(data as ApplicationErrorOf<E>, meta);
      });
    },
    emitUnknown(type, data, given) {
      const meta = metaOf(type, given);
      deliver(meta, () => void unknown.call(type, data, meta));
    },
    setState,
    resync,
    fail: (error) => void errors.call(error),
  };
}

function metaOf<K extends string>(type: K, given: EmittedMeta = {}): EventMeta<K> {
  const rest = { id: null, replayed: false, via: "network", sentAt: null, correlationId: null, own: false } as const;
  return Object.freeze({ ...rest, receivedAt: Date.now(), ...given, type });
}

function rejectOnAbort(signal: AbortSignal | undefined, reject: (reason: unknown) => void): void {
  if (signal?.aborted) reject(signal.reason);
  signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
}

function handlerError(code: string, cause: unknown): BackendEventError {
  return new BackendEventError("handler", code, cause instanceof Error ? cause.message : String(cause), { cause });
}
