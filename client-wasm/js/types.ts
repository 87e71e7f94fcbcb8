/**
 * The public types of `@tidings/client`: shapes only, no code.
 *
 * Every time is in milliseconds; every point in time is milliseconds since the Unix epoch by the
 * provider's clock, unless a field says otherwise.
 */
import type { ResyncReason } from "./control.js";

/** Event names to payloads, when nothing narrower is known. */
export type EventMap = { [type: string]: unknown };

/** The event map of a generated `{ type, data }` union: `EventMapOf<Event>["note_created"]` is that payload. */
export type EventMapOf<U extends { type: string; data: unknown }> = {
  [K in U["type"]]: Extract<U, { type: K }>["data"];
};

/** The event names of a map. A member of the generated `EventType` enum and its string both fit. */
export type EventName<E> = keyof E & string;

/** The payload of the contract's application error, `never` where the contract has none. */
export type ApplicationErrorOf<E> = E extends { application_error: infer A } ? A : never;

/** What is known about one event besides its payload. */
export interface EventMeta<K extends string = string> {
  /** The event's name. */
  readonly type: K;
  /** The event id, `<epoch>-<sequence>`; `null` when the stream gave none. */
  readonly id: string | null;
  /** True when the event was committed before this connection's hello: made up for, not live. */
  readonly replayed: boolean;
  /** Whether the event came over this tab's own stream or from another tab's. */
  readonly via: "network" | "tab";
  /** When this provider received it. */
  readonly receivedAt: number;
  /** When the server sent it, RFC 3339 by the server's clock. */
  readonly sentAt: string | null;
  /** The `x-correlation-id` of the request that caused it. */
  readonly correlationId: string | null;
  /** True when a request that carried this provider's `origin` caused it. */
  readonly own: boolean;
}

/**
 * Handles one event. A throw or a rejection is reported to `onError`; the other handlers still run.
 * What it returns is ignored otherwise, so that `() => mutate()` is a handler.
 */
export type Handler<E, K extends EventName<E>> = (data: E[K], meta: EventMeta<K>) => unknown;

/** Any event with its name, payload and meta, as `onAny` gives it: narrow it by `type`. */
export type AnyEvent<E> = {
  [K in EventName<E>]: { readonly type: K; readonly data: E[K]; readonly meta: EventMeta<K> };
}[EventName<E>];

/** Ends one registration. Calling it again does nothing. */
export type Unsubscribe = () => void;

/** How long a registration lasts. */
export interface ListenOptions {
  /** Ends the registration when it aborts; one that has aborted already registers nothing. */
  signal?: AbortSignal;
  /** Ends the registration with its first call. */
  once?: boolean;
}

/** `onState`'s options. */
export interface StateListenOptions extends ListenOptions {
  /** Calls the handler at once with the present state as both arguments. */
  immediate?: boolean;
}

/**
 * Where an error comes from: the network, the credentials, the stream's framing, a payload that
 * does not fit the contract, a handler of the app, or the provider's own set-up.
 */
export type ErrorKind = "transport" | "auth" | "protocol" | "payload" | "handler" | "config";

/** What went wrong, closed by what the page can decide. The class of the same name is its value. */
export interface BackendEventError extends Error {
  readonly kind: ErrorKind;
  /** Stable, snake_case: `resync_timeout`, `payload_mismatch`, … */
  readonly code: string;
  /** True while the provider goes on trying by itself. */
  readonly retryable: boolean;
  /** The HTTP status, when an answer was the cause. */
  readonly status?: number;
}

/** The server refused the credentials and refused them again after `auth` was asked once. */
export interface UnauthorizedError extends BackendEventError {}

/** What the states of an outage have in common. */
export interface Outage {
  /** When the outage began; it stays while the outage changes its name. */
  readonly since: number;
  /** Attempts made since then. */
  readonly attempt: number;
  /** When the next attempt starts; `null` while one is under way. */
  readonly retryAt: number | null;
  /** Why the last attempt or the stream ended. */
  readonly reason: BackendEventError;
}

/** Where the connection stands. Immutable, and the same object until it changes. */
export type ConnectionState =
  /** Not started; also what a server renders. */
  | { readonly status: "idle" }
  /** The first attempt. */
  | { readonly status: "connecting"; readonly since: number }
  /** Events arrive. `resumed`: nothing was missed on the way here. */
  | {
      readonly status: "online";
      readonly since: number;
      readonly role: "solo" | "leader" | "follower";
      readonly resumed: boolean;
    }
  /** An outage shorter than `timeouts.longBrokenMs`. */
  | ({ readonly status: "reconnecting" } & Outage)
  /** The same while the device reports no network: a hint, attempts go on. */
  | ({ readonly status: "offline" } & Outage)
  /** An outage of `timeouts.longBrokenMs` or more; attempts go on. */
  | ({ readonly status: "long-broken" } & Outage)
  /** Parked: `connect()` or `setIdentity()` leaves it. */
  | { readonly status: "unauthorized"; readonly reason: UnauthorizedError }
  /** Ended: `connect()` begins again. */
  | { readonly status: "closed"; readonly reason: "close()" | "server-204" | BackendEventError };

/** The names of the connection states. */
export type ConnectionStatus = ConnectionState["status"];

/** Why the page must load its data again: the wire's own words, the last two the client's own. */
export type { ResyncReason };

/** Handles a resync: events are held until what it returns settles, so a refetch never overwrites a newer event. */
export type ResyncHandler = (reason: ResyncReason, o: { signal: AbortSignal }) => unknown;

/** What `auth` is asked. */
export interface AuthRequest {
  /** `rejected`: the server answered 401 or 403 to what `auth` gave last. */
  readonly reason: "connect" | "rejected";
  /** Attempts since the stream was last healthy, from 0. */
  readonly attempt: number;
  /** Aborts when the attempt is given up. */
  readonly signal: AbortSignal;
}

/** The next attempt's delay: uniform(250, min(`capMs`, `baseMs`·2ⁿ)). */
export interface RetryOptions {
  /** Default 1,000, replaced by the server's `retry:`. */
  baseMs?: number;
  /** Default 30,000. */
  capMs?: number;
  /** A stream this old resets the attempts. Default 10,000. */
  healthyAfterMs?: number;
}

/** When silence counts as failure. */
export interface TimeoutOptions {
  /** From the request to the answer's head. Default 10,000. */
  connectMs?: number;
  /** Without any byte. Default 2.5 × the server's heartbeat, 40,000 before the first hello. */
  idleMs?: number;
  /** An outage this old is `long-broken`. Default 60,000. */
  longBrokenMs?: number;
}

/** The position the page's data was read at: `null` or nothing means none. */
export type Cursor = string | null;

/** Where the stream begins and how the cursor travels. */
export interface ReplayOptions {
  /** `session` keeps the cursor over a reload of the tab. Default `memory`. */
  cursor?: "memory" | "session";
  /**
   * The cursor read with the page's data, asked for only while the provider has none of its own. A
   * promise holds the first attempt back until it settles; a rejection counts as none.
   */
  from?: Cursor | Promise<Cursor> | (() => Cursor | Promise<Cursor>);
  /** Default `auto`: the query only where the request is otherwise simple, else the header. */
  sendAs?: "auto" | "header" | "query";
}

/** Time and chance, as a test or another platform wants them. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
  /** Calls once, no earlier than `ms` from now. */
  setTimeout(f: () => void, ms: number): unknown;
  /** Takes back what `setTimeout` gave. */
  clearTimeout(t: unknown): void;
}

/** Where the provider writes what it does. */
export interface Logger {
  /** Every state and decision. */
  debug(m: string, x?: object): void;
  /** What a person may want to know. */
  info(m: string, x?: object): void;
  /** What is probably a mistake of the app. */
  warn(m: string, x?: object): void;
  /** An error that no `onError` took. */
  error(m: string, x?: object): void;
}

/** Callbacks of the options: shorthands for `onState` and `onError`, in force from the first state on. */
export interface BackendEventCallbacks {
  /** The server speaks a newer contract: suggest a reload. Once per revision. */
  onContractChange?(): void;
  /** The state became `online`. */
  onOnline?(s: ConnectionState): void;
  /** The state became `offline`. */
  onOffline?(s: ConnectionState): void;
  /** The state became `reconnecting`. */
  onReconnecting?(s: ConnectionState): void;
  /** The state became `long-broken`. */
  onLongBroken?(s: ConnectionState): void;
  /** The state became `unauthorized`. */
  onUnauthorized?(s: ConnectionState): void;
  /** As `provider.onError`. */
  onError?(e: BackendEventError): void;
}

/** How a provider is made. `E` is in no field: it names the map where a call infers it. */
export interface BackendEventProviderOptions<E extends object = EventMap> extends BackendEventCallbacks {
  /** The stream's address; a function is asked before every attempt. */
  url: string | URL | (() => string | Promise<string>);
  /** Default `same-origin`; an app with cookies of another origin sets `include`. */
  credentials?: RequestCredentials;
  /** Asked before every attempt; `null` adds no header. */
  auth?: (req: AuthRequest) => Promise<{ headers: Record<string, string> } | null>;
  /** Whose stream this is; scopes the cursor and what tabs may share. `null`: signed out. */
  identity?: string | null;
  /** Default true, one microtask after construction, never on a server. */
  autoConnect?: boolean;
  /**
   * Default `auto`: the tabs of one browser read one stream between them, where all of them say the same `identity`
   * and the browser has locks and channels; elsewhere, and with `off`, each tab has a stream of its own.
   */
  sharing?: "auto" | "off";
  /** Names the shared stream where `url` is a function: without it, tabs share none. */
  sharingKey?: string;
  retry?: RetryOptions;
  timeouts?: TimeoutOptions;
  /** Of the groups the server allows; default all of them. */
  groups?: readonly string[];
  replay?: ReplayOptions;
  /** Default the global `fetch`. */
  fetch?: typeof fetch;
  /** Where `online` and `offline` are heard; `null` hears nothing. Default the window. */
  networkTarget?: EventTarget | null;
  clock?: Clock;
  /** Default: warnings and errors to the console; `false` writes nothing. */
  logger?: Logger | false;
}

/** What `inspect()` shows: for people, not for programs. */
export interface Inspection {
  readonly state: ConnectionState;
  readonly attempts: number;
  /** When the stream that this page read itself last wrote anything, in Unix milliseconds. */
  readonly lastByteAt: number | null;
  /** Registrations per event name. */
  readonly handlers: Record<string, number>;
  readonly role: string;
}

/** One connection to the backend's events: what `new BackendEventProvider(options)` gives. */
export interface BackendEventProviderInstance<E extends object = EventMap> {
  /** Calls `handler` for each event of the type, or of each of the types. */
  on<K extends EventName<E>>(type: K | readonly K[], handler: Handler<E, K>, o?: ListenOptions): Unsubscribe;
  /** Ends this handler's registrations for the type; those for other types stay. */
  off<K extends EventName<E>>(type: K, handler: Handler<E, K>): void;
  /** The next event of the type; rejects when `signal` aborts. */
  once<K extends EventName<E>>(type: K, o?: { signal?: AbortSignal }): Promise<{ data: E[K]; meta: EventMeta<K> }>;
  /** Every event that the contract has, after its own handlers. */
  onAny(handler: (e: AnyEvent<E>) => void, o?: ListenOptions): Unsubscribe;
  /** Events whose name this contract does not have: a newer server's. */
  onUnknown(handler: (type: string, data: unknown, meta: EventMeta) => void, o?: ListenOptions): Unsubscribe;
  /** Every change of the state, with the one before. */
  onState(handler: (now: ConnectionState, prev: ConnectionState) => void, o?: StateListenOptions): Unsubscribe;
  /** Called only when something may be missing: load the page's data again. */
  onResync(handler: ResyncHandler, o?: ListenOptions): Unsubscribe;
  /** Transport, credentials, protocol, payload, handler and set-up errors. */
  onError(handler: (e: BackendEventError) => void, o?: ListenOptions): Unsubscribe;
  /** Something in the app failed and the app said so: never a matter of the connection. */
  onApplicationError(handler: (e: ApplicationErrorOf<E>, meta: EventMeta) => void, o?: ListenOptions): Unsubscribe;
  /**
   * Runs `fn` and holds events until it settles, then dispatches them in order: what it loads is
   * never overwritten by something older, nor the other way round. Every page load goes through it.
   *
   * `fn` may be called again, its first signal aborted, when a gap makes its data stale; the promise
   * is of the last call.
   */
  load<T>(fn: (o: { signal: AbortSignal }) => Promise<T>): Promise<T>;
  /** Random per provider: send it as `x-tidings-origin` and your own events carry `meta.own`. */
  readonly origin: string;
  readonly state: ConnectionState;
  /** The cursor: everything up to it has been handled. */
  readonly lastEventId: string | null;
  /** Bound: `useSyncExternalStore(p.subscribe, p.getSnapshot, p.getServerSnapshot)`. */
  readonly subscribe: (onChange: () => void) => Unsubscribe;
  /** Bound: the state. */
  readonly getSnapshot: () => ConnectionState;
  /** Always `idle`. */
  readonly getServerSnapshot: () => ConnectionState;
  /** Starts, also from `closed` and `unauthorized`. Does nothing while connected. */
  connect(): void;
  /** Drops the stream and tries again now, with the cursor kept. */
  reconnect(): void;
  /** Fulfils once online, at once where it is; rejects when it is closed, unauthorized, aborted or not online in time. */
  whenOnline(o?: { signal?: AbortSignal; timeoutMs?: number }): Promise<void>;
  /**
   * Reads a group more until the result is called: covered from a resync with `rights` on. Without the option `groups`
   * all groups are read anyway.
   */
  follow(group: string): Unsubscribe;
  /** Another user, or `null`: drops the cursor, emits a resync, keeps the handlers. */
  setIdentity(identity: string | null): void;
  /** Ends the stream; `connect()` begins again. */
  close(): void;
  /** What the provider knows about itself, for people. */
  inspect(): Inspection;
}

/** The class of a bound contract. */
export interface BackendEventProviderConstructor<E extends object = EventMap> {
  new (options: BackendEventProviderOptions<E>): BackendEventProviderInstance<E>;
}

/** What `bindContract` gives, and what `createBackendEventHooks` takes to make providers from options. */
export interface BoundContract<E extends object = EventMap> {
  readonly BackendEventProvider: BackendEventProviderConstructor<E>;
  /** `new BackendEventProvider(options)`. */
  readonly createBackendEventProvider: (options: BackendEventProviderOptions<E>) => BackendEventProviderInstance<E>;
}
