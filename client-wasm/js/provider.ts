import type { Contract, Core } from "./core.js";
import { SessionCursor } from "./cursor.js";
import { BackendEventError } from "./error.js";
import { Groups } from "./groups.js";
import { hostOf, isBrowser } from "./host.js";
import { Loads } from "./load.js";
import { loggerOf } from "./log.js";
import { type AnyHandler, type Occasion, Registrations } from "./registrations.js";
import { metaOf } from "./meta.js";
import { Requests } from "./request.js";
import { stateOf } from "./state.js";
import { Tabs, canShare } from "./tabs.js";
import type {
  AnyEvent,
  ApplicationErrorOf,
  BackendEventProviderInstance,
  BackendEventProviderOptions,
  ConnectionState,
  ConnectionStatus,
  EventMeta,
  EventName,
  Handler,
  Inspection,
  ListenOptions,
  Logger,
  ResyncHandler,
  StateListenOptions,
  Unsubscribe,
} from "./types.js";

const IDLE: ConnectionState = Object.freeze({ status: "idle" });
const CLOSED: ConnectionState = Object.freeze({ status: "closed", reason: "close()" });
/** In these nothing can arrive, so nothing need be held. */
const SILENT: ReadonlySet<ConnectionStatus> = new Set(["idle", "unauthorized", "closed"]);

/** The façade: there at once, also on a server, and all of it Rust's as soon as the wasm is loaded. */
export class Provider<E extends object> implements BackendEventProviderInstance<E> {
  readonly origin = randomId();
  readonly #contract: Contract;
  readonly #options: BackendEventProviderOptions<E>;
  readonly #log: Logger;
  readonly #handlers = new Registrations((error) => this.#log.error(error.message, error));
  readonly #loads = new Loads();
  /** The last resync. */
  #resync: [hold: number, AbortController] | null = null;
  readonly #groups: Groups;
  readonly #kept: SessionCursor | null;
  /** `null`: signed out; `undefined`: the app does not say. */
  #identity: string | null | undefined;
  #snapshot: ConnectionState = IDLE;
  #core: Core | null = null;
  #loading = false;
  /** Requests made so far. */
  #attempts = 0;
  #lastByteAt: number | null = null;
  /** From `connect()` to `close()`; while signed out it waits for a sign-in. */
  #wanted = false;

  constructor(contract: Contract, options: BackendEventProviderOptions<E>) {
    this.#contract = contract;
    this.#options = options;
    this.#log = loggerOf(options.logger);
    this.#identity = options.identity;
    this.#groups = new Groups(options.groups, options.clock);
    this.#kept = options.replay?.cursor === "session" ? new SessionCursor(streamName(options), options.groups) : null;
    this.#listenForOptions();
    if (!isBrowser()) return;
    this.#wanted = options.autoConnect !== false;
    // A microtask later: whoever made the provider has registered its handlers by then.
    queueMicrotask(() => this.#begin());
  }

  on<K extends EventName<E>>(type: K | readonly K[], handler: Handler<E, K>, o?: ListenOptions): Unsubscribe {
    const names: readonly K[] = typeof type === "string" ? [type] : type;
    for (const name of names) {
      if (!this.#contract.names.includes(name)) this.#log.warn(`the contract has no event ${JSON.stringify(name)}`);
    }
    return this.#listen("event", names, handler, o);
  }

  off<K extends EventName<E>>(type: K, handler: Handler<E, K>): void {
    this.#handlers.off(type, handler);
  }

  once<K extends EventName<E>>(
    type: K,
    o: { signal?: AbortSignal } = {},
  ): Promise<{ data: E[K]; meta: EventMeta<K> }> {
    return until(o.signal, (resolve, _, signal) => {
      this.on(type, (data, meta) => resolve({ data, meta }), { once: true, signal });
    });
  }

  onAny(handler: (e: AnyEvent<E>) => void, o?: ListenOptions): Unsubscribe {
    return this.#listen("any", [], handler, o);
  }

  onUnknown(handler: (type: string, data: unknown, meta: EventMeta) => void, o?: ListenOptions): Unsubscribe {
    return this.#listen("unknown", [], handler, o);
  }

  /** With `immediate`, what the handler throws in that first call is the caller's. */
  onState(handler: (now: ConnectionState, prev: ConnectionState) => void, o?: StateListenOptions): Unsubscribe {
    if (o?.signal?.aborted) return () => {};
    if (o?.immediate) {
      handler(this.#snapshot, this.#snapshot);
      if (o.once) return () => {};
    }
    return this.#listen("state", [], handler, o);
  }

  onResync(handler: ResyncHandler, o?: ListenOptions): Unsubscribe {
    return this.#listen("resync", [], handler, o);
  }

  onError(handler: (e: BackendEventError) => void, o?: ListenOptions): Unsubscribe {
    return this.#listen("error", [], handler, o);
  }

  onApplicationError(handler: (e: ApplicationErrorOf<E>, meta: EventMeta) => void, o?: ListenOptions): Unsubscribe {
    return this.#listen("application_error", [], handler, o);
  }

  load<T>(fn: (o: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    return this.#loads.run(fn);
  }

  get state(): ConnectionState {
    return this.#snapshot;
  }

  get lastEventId(): string | null {
    return this.#core?.lastEventId || null;
  }

  readonly subscribe = (onChange: () => void): Unsubscribe => this.#listen("state", [], () => onChange());
  readonly getSnapshot = (): ConnectionState => this.#snapshot;
  readonly getServerSnapshot = (): ConnectionState => IDLE;

  connect(): void {
    if (!isBrowser()) return;
    this.#wanted = true;
    if (this.#core) this.#start(this.#core);
    else this.#begin();
  }

  reconnect(): void {
    if (this.#core && this.#identity !== null) {
      this.#wanted = true;
      this.#core.reconnect();
    } else {
      this.connect();
    }
  }

  close(): void {
    this.#keepCursor();
    this.#wanted = false;
    if (this.#core) this.#core.close();
    else if (isBrowser()) this.#take(CLOSED);
  }

  whenOnline(o: { signal?: AbortSignal; timeoutMs?: number } = {}): Promise<void> {
    const clock = this.#options.clock ?? globalThis;
    return until<void>(o.signal, (resolve, reject, signal) => {
      const look = (state: ConnectionState): void => {
        if (state.status === "online") resolve();
        else if (state.status === "unauthorized") reject(state.reason);
        else if (state.status === "closed") reject(closedError(state.reason));
      };
      if (this.#snapshot.status === "online") return resolve();
      this.onState(look, { signal });
      if (o.timeoutMs !== undefined) {
        const late = new BackendEventError("transport", "timeout", `not online within ${o.timeoutMs} ms`);
        const timer = clock.setTimeout(() => reject(late), o.timeoutMs);
        signal.addEventListener("abort", () => clock.clearTimeout(timer as number));
      }
    });
  }

  follow(group: string): Unsubscribe {
    return this.#groups.follow(group);
  }

  setIdentity(identity: string | null): void {
    if (identity === this.#identity) return;
    this.#kept?.write(this.#identity ?? null, null);
    this.#identity = identity;
    if (!this.#core) return this.#begin();
    this.#core.setIdentity(identity !== null, this.#shares());
    // Where nobody was signed in yet, nothing was started that Rust could start again.
    this.#start(this.#core);
  }

  inspect(): Inspection {
    const state = this.#snapshot;
    return {
      state,
      attempts: this.#attempts,
      lastByteAt: this.#lastByteAt,
      handlers: this.#handlers.counts(),
      role: state.status === "online" ? state.role : "solo",
    };
  }

  /** Loads the wasm, then does what was asked for meanwhile. */
  #begin(): void {
    if (this.#core || this.#loading || !isBrowser()) return;
    this.#loading = true;
    this.#contract.load().then(
      ({ Provider: Class }) => {
        this.#loading = false;
        const tabs = new Tabs(
          () => this.#scope(),
          () => this.#snapshot,
        );
        const requests = new Requests(this.#options as BackendEventProviderOptions<never>);
        const host = hostOf(this.#options as BackendEventProviderOptions<never>, {
          requests,
          tabs,
          shares: this.#shares(),
          groups: this.#groups.names(),
          follow: (connection, groups) => this.#groups.ask(connection, groups.split("\0")[0]!),
          keptCursor: () => this.#kept?.read(this.#identity ?? null) ?? null,
          attempt: () => {
            this.#attempts += 1;
            this.#groups.leave();
          },
          heard: (at) => (this.#lastByteAt = at),
          state: (...told) => this.#take(stateOf(...told)),
          event: (kind, name, data, said, id, replayed, relayed) => {
            const meta = metaOf(name, said, id, replayed, relayed, this.origin, host.clock.now());
            if (kind === "unknown") return void this.#handlers.call("unknown", [name, data, meta]);
            this.#handlers.call("event", [data, meta], name);
            if (kind === "application_error") this.#handlers.call("application_error", [data, meta]);
            this.#handlers.call("any", [{ type: name, data, meta }]);
          },
          resync: (reason, hold) => {
            const controller = new AbortController();
            this.#resync = [hold, controller];
            return this.#handlers.call("resync", [reason, { signal: controller.signal }]);
          },
          release: (hold, cause) => {
            if (this.#resync?.[0] === hold) this.#resync[1].abort();
            this.#loads.release(hold, cause);
          },
          report: (error) => this.#handlers.report(error),
          mirror: () => this.#take(tabs.mirrored()),
          contractChange: () => this.#contractChange(),
        });
        const core = (this.#core = new Class(host));
        tabs.attach(core);
        this.#groups.open({
          post: (...post) => requests.post("groups", ...post),
          report: (error) => this.#handlers.report(error),
          reconnect: () => core.reconnect(),
          want: (groups) => core.want(groups),
        });
        this.#start(this.#core);
      },
      (cause: unknown) => {
        this.#loading = false;
        const error = loadError(cause);
        this.#handlers.report(error);
        this.#take(Object.freeze({ status: "closed", reason: error }));
      },
    );
  }

  #shares(): boolean {
    return canShare(this.#options as BackendEventProviderOptions<never>, this.#identity);
  }

  /** Names the lock and the channel of the tabs that read the same: of one user, one build, one protocol. */
  #scope(): string {
    return JSON.stringify(["tidings 2", streamName(this.#options), this.#identity, this.#contract.hash]);
  }

  #start(core: Core): void {
    if (this.#wanted && this.#identity !== null) core.connect();
  }

  /** A new state: the Rust side's, or where there is none. */
  #take(now: ConnectionState): void {
    this.#log.debug(now.status, now);
    const before = this.#snapshot;
    this.#snapshot = now;
    const silent = SILENT.has(now.status);
    if (silent) this.#loads.shut();
    else if (this.#core) this.#loads.open(this.#core);
    if (this.#kept && typeof window !== "undefined") {
      if (silent) window.removeEventListener("pagehide", this.#keepCursor);
      else window.addEventListener("pagehide", this.#keepCursor);
    }
    this.#handlers.call("state", [now, before]);
    if (now.status !== "online") this.#groups.leave();
  }

  readonly #keepCursor = (): void => {
    if (this.lastEventId !== null) this.#kept?.write(this.#identity ?? null, this.lastEventId);
  };

  #contractChange(): void {
    this.#log.info("the server speaks a newer contract");
    try {
      this.#options.onContractChange?.();
    } catch (error) {
      this.#log.error("onContractChange failed", { error });
    }
  }

  #listenForOptions(): void {
    const { onError } = this.#options;
    if (onError) this.onError((error) => onError(error));
    const callbacks = {
      online: "onOnline",
      offline: "onOffline",
      reconnecting: "onReconnecting",
      "long-broken": "onLongBroken",
      unauthorized: "onUnauthorized",
    } as const;
    this.onState((now, before) => {
      const name = (callbacks as Partial<Record<ConnectionStatus, (typeof callbacks)[keyof typeof callbacks]>>)[now.status];
      if (name && now.status !== before.status) this.#options[name]?.(now);
    });
  }

  #listen(occasion: Occasion, names: readonly string[], handler: AnyHandler, o: ListenOptions = {}): Unsubscribe {
    if (o.signal?.aborted) return () => {};
    const end = this.#handlers.add(occasion, names, handler, o.once ?? false);
    if (!o.signal) return end;
    const { signal } = o;
    signal.addEventListener("abort", end, { once: true });
    return () => {
      signal.removeEventListener("abort", end);
      end();
    };
  }
}

/** A promise that the caller's signal rejects, made by `begin`, which is told by a signal of its own when it is settled. */
function until<T>(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: T) => void, reject: (reason: unknown) => void, over: AbortSignal) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const ending = new AbortController();
    const end = <V>(conclude: (value: V) => void) => (value: V): void => {
      ending.abort();
      conclude(value);
    };
    signal?.addEventListener("abort", () => end(reject)(signal.reason), { signal: ending.signal });
    begin(end(resolve), end(reject), ending.signal);
  });
}

/** Names a stream among those of this origin. */
function streamName(options: BackendEventProviderOptions<never>): string {
  return options.sharingKey ?? (typeof options.url === "function" ? "" : String(options.url));
}

function closedError(reason: "close()" | "server-204" | BackendEventError): BackendEventError {
  if (typeof reason !== "string") return reason;
  return new BackendEventError("transport", "closed", `closed by ${reason}`);
}

function loadError(cause: unknown): BackendEventError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const blocked = /content security policy|unsafe-eval|blocked by csp/i.test(message);
  return blocked
    ? new BackendEventError("config", "wasm_blocked", `the page's Content-Security-Policy lacks 'wasm-unsafe-eval': ${message}`, { cause })
    : new BackendEventError("config", "wasm_failed", `the wasm did not load: ${message}`, { cause });
}

/** 128 random bits. `crypto.randomUUID` is not there on a page without https. */
function randomId(): string {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}
