/**
 * One status out of several connections: what a person is to know about all of them together.
 *
 * Takes providers of this package, and anything that tells its `status` by events, such as Hocuspocus' provider.
 * It decides nothing about the connections themselves.
 */
import type { Clock, ConnectionState, Unsubscribe } from "./types.js";

/** How much it matters: good to know, wait a moment, do something. */
export type Tone = "info" | "warning" | "error";

/** What all connections come to. `editing-offline`: an editor goes on without its server, and will sync. */
export type CombinedStatus =
  | "connecting"
  | "online"
  | "reconnecting"
  | "offline"
  | "editing-offline"
  | "long-broken"
  | "unauthorized"
  | "closed";

/** One of the connections. */
export interface PartState {
  /** As it was called in `combineConnectionStates`. */
  readonly name: string;
  readonly status: CombinedStatus;
  /** Milliseconds since the epoch. */
  readonly since: number;
  /** Changes made here that the server has not taken yet. */
  readonly unsynced: boolean;
  /** When it tries again; `null` while it does, absent where it does not say. */
  readonly retryAt?: number | null;
  /** Why it is as it is, as it said so itself. */
  readonly reason?: unknown;
}

/** Immutable, and the same object until it changes. */
export interface CombinedState {
  readonly status: CombinedStatus;
  readonly tone: Tone;
  /** Since when the worst of the parts is as it is; milliseconds since the epoch. */
  readonly since: number;
  /** When the worst part tries again; `null` while it does, absent where it does not say. */
  readonly retryAt?: number | null;
  /** Why the worst part is as it is, as it said so itself. */
  readonly reason?: unknown;
  readonly parts: readonly PartState[];
}

/** A provider of this package, or a test's. */
export interface StateSource {
  /** Calls at every change of the state. */
  subscribe(onChange: () => void): Unsubscribe;
  /** The state now. */
  getSnapshot(): ConnectionState;
}

/** An editor's connection: `connecting | connected | disconnected`, told by `status` events. */
export interface StatusEmitter {
  readonly status?: string;
  /** Where Hocuspocus' provider keeps it since its version 3. */
  readonly configuration?: { readonly websocketProvider?: { readonly status?: string } };
  /** Whether changes made here have not reached the server. */
  readonly hasUnsyncedChanges?: boolean;
  /** Registers for an event. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  on(event: string, handler: (...arguments_: any[]) => void): unknown;
  /** Takes back what `on` was given. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  off(event: string, handler: (...arguments_: any[]) => void): unknown;
}

/** When an outage is long, and by which clock. */
export interface CombineOptions {
  /** An emitter's outage of this length is called `long-broken`; default 60000. */
  longBrokenMs?: number;
  clock?: Pick<Clock, "now" | "setTimeout" | "clearTimeout">;
}

/** What `useSyncExternalStore` takes. */
export interface CombinedStates {
  /** Bound: calls at every change. */
  readonly subscribe: (onChange: () => void) => Unsubscribe;
  /** Bound: the state of all of them now. */
  readonly getSnapshot: () => CombinedState;
  /** Bound: what a server renders. */
  readonly getServerSnapshot: () => CombinedState;
  /** Lets go of every source. */
  readonly destroy: () => void;
}

/** From the best to the worst: the worst part is what all of them come to. */
const ORDER: readonly CombinedStatus[] = [
  "online",
  "connecting",
  "reconnecting",
  "offline",
  "editing-offline",
  "long-broken",
  "closed",
  "unauthorized",
];
const TONES: Readonly<Record<CombinedStatus, Tone>> = {
  online: "info",
  connecting: "info",
  reconnecting: "warning",
  offline: "warning",
  "editing-offline": "warning",
  "long-broken": "error",
  closed: "error",
  unauthorized: "error",
};
const SERVER: CombinedState = Object.freeze({ status: "connecting", tone: "info", since: 0, parts: Object.freeze([]) });

/**
 * The states of several connections as one, each under a name of its own.
 *
 * ```ts
 * const states = combineConnectionStates({ events: provider, notes: hocuspocusProvider });
 * const state = useSyncExternalStore(states.subscribe, states.getSnapshot, states.getServerSnapshot);
 * ```
 */
export function combineConnectionStates(
  sources: Readonly<Record<string, StateSource | StatusEmitter>>,
  { longBrokenMs = 60_000, clock = systemClock }: CombineOptions = {},
): CombinedStates {
  const listeners = new Set<() => void>();
  const watched = Object.entries(sources).map(([name, source]) =>
    "getSnapshot" in source ? watchSource(name, source, clock, update) : watchEmitter(name, source, clock, longBrokenMs, update),
  );
  let state = combined(watched.map((one) => one.read()));

  function update(): void {
    const next = combined(watched.map((one) => one.read()));
    if (next.parts.every((part, index) => same(part, state.parts[index]!))) return;
    state = next;
    for (const listener of [...listeners]) listener();
  }

  return {
    subscribe: (onChange) => {
      listeners.add(onChange);
      return () => void listeners.delete(onChange);
    },
    getSnapshot: () => state,
    getServerSnapshot: () => SERVER,
    destroy: () => watched.forEach((one) => one.end()),
  };
}

interface Watched {
  read(): PartState;
  end(): void;
}

const systemClock: NonNullable<CombineOptions["clock"]> = {
  now: () => Date.now(),
  setTimeout: (f, ms) => setTimeout(f, ms),
  clearTimeout: (t) => clearTimeout(t as ReturnType<typeof setTimeout>),
};

function watchSource(
  name: string,
  source: StateSource,
  clock: NonNullable<CombineOptions["clock"]>,
  update: () => void,
): Watched {
  let seen: ConnectionState | null = null;
  let since = clock.now();
  const end = source.subscribe(update);
  return {
    end,
    read: () => {
      const state = source.getSnapshot();
      if (state.status !== seen?.status) since = "since" in state ? state.since : clock.now();
      seen = state;
      const status = state.status === "idle" ? "connecting" : state.status;
      const retryAt = "retryAt" in state ? { retryAt: state.retryAt } : {};
      const reason = "reason" in state ? { reason: state.reason } : {};
      return Object.freeze({ name, status, since, unsynced: false, ...retryAt, ...reason });
    },
  };
}

function watchEmitter(
  name: string,
  emitter: StatusEmitter,
  clock: NonNullable<CombineOptions["clock"]>,
  longBrokenMs: number,
  update: () => void,
): Watched {
  const statusNow = () => emitter.status ?? emitter.configuration?.websocketProvider?.status;
  let word = statusNow() ?? "connecting";
  let since = clock.now();
  let wasConnected = word === "connected";
  let refused = false;
  let timer: unknown;

  /** An outage is one from its beginning, whatever is tried meanwhile. */
  const note = (next: string): void => {
    clock.clearTimeout(timer);
    if ((next === "connected") !== (word === "connected")) since = clock.now();
    word = next;
    if (word === "connected") {
      wasConnected = true;
      refused = false;
    } else {
      timer = clock.setTimeout(update, Math.max(since + longBrokenMs - clock.now(), 0));
    }
    update();
  };
  const onStatus = (told: string | { status?: string }): void => {
    note((typeof told === "string" ? told : told?.status) ?? statusNow() ?? word);
  };
  const onRefused = (): void => {
    refused = true;
    since = clock.now();
    update();
  };
  const onTaken = (): void => {
    if (!refused) return;
    refused = false;
    since = clock.now();
    update();
  };
  emitter.on("status", onStatus);
  emitter.on("unsyncedChanges", update);
  emitter.on("authenticationFailed", onRefused);
  emitter.on("authenticated", onTaken);
  if (word !== "connected") timer = clock.setTimeout(update, longBrokenMs);
  return {
    read: () => {
      const away = clock.now() - since >= longBrokenMs ? "long-broken" : wasConnected ? "editing-offline" : "connecting";
      const status = refused ? "unauthorized" : word === "connected" ? "online" : away;
      return Object.freeze({ name, status, since, unsynced: emitter.hasUnsyncedChanges ?? false });
    },
    end: () => {
      clock.clearTimeout(timer);
      emitter.off("status", onStatus);
      emitter.off("unsyncedChanges", update);
      emitter.off("authenticationFailed", onRefused);
      emitter.off("authenticated", onTaken);
    },
  };
}

function combined(parts: readonly PartState[]): CombinedState {
  const worst = parts.reduce<PartState | null>(
    (worst, part) => (worst && ORDER.indexOf(worst.status) >= ORDER.indexOf(part.status) ? worst : part),
    null,
  );
  const { name: _, unsynced: __, ...shown } = worst ?? { name: "", unsynced: false, status: "online" as const, since: 0 };
  return Object.freeze({ ...shown, tone: TONES[shown.status], parts: Object.freeze(parts) });
}

function same(a: PartState, b: PartState): boolean {
  return (
    a.status === b.status &&
    a.since === b.since &&
    a.unsynced === b.unsynced &&
    a.retryAt === b.retryAt &&
    a.reason === b.reason
  );
}
