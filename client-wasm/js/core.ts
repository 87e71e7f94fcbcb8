import type { Outcome } from "./registrations.js";
import type { BackendEventError, Clock, ConnectionState, ErrorKind, EventMeta, Inspection, ResyncReason } from "./types.js";

/** Why a load is no longer waited for. */
export type Released = "timeout" | "overflow" | "superseded" | "closed";

/** The class that `export_provider!` makes. Nothing here decides: each method is one call into Rust. */
export interface Core {
  connect(): void;
  reconnect(): void;
  close(): void;
  setIdentity(signedIn: boolean): void;
  hold(release: (cause: Released) => void): number | undefined;
  settle(hold: number, ok: boolean): void;
  readonly lastEventId: string | undefined;
  inspect(): Pick<Inspection, "attempts" | "lastByteAt" | "role">;
}

/** What the contract says of an event. */
export type EventKind = "event" | "application_error" | "unknown";

/** What a contract's wasm exports. */
export interface CoreModule {
  readonly Provider: new (host: Host) => Core;
}

/** What an attempt needs to be made. */
export interface OpenRequest {
  readonly cursor: string | null;
  /** The connection it continues. */
  readonly connection: string | null;
  readonly reason: "connect" | "rejected";
  /** Attempts since the stream was last healthy. */
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** What the Rust side asks of the façade. What is not a promise may not throw. */
export interface Host {
  readonly origin: string;
  readonly clock: Clock;
  readonly network: EventTarget | undefined;
  readonly page: EventTarget | undefined;
  readonly document: EventTarget | undefined;
  /** Whether there is an `auth` to ask again. */
  readonly renewable: boolean;
  readonly baseMs: number | undefined;
  readonly capMs: number | undefined;
  readonly healthyAfterMs: number | undefined;
  readonly connectMs: number | undefined;
  readonly idleMs: number | undefined;
  readonly longBrokenMs: number | undefined;
  online(): boolean;
  /** The cursor that came with the page's data; asked for once. */
  from(): Promise<string | null | undefined>;
  open(request: OpenRequest): Promise<Response>;
  /** Tells the server that this end of the stream lives. */
  alive(connection: string): void;
  /** Calls back once with whether the promise was kept, and what it came to. */
  settled(promise: unknown, then: (kept: boolean, value: unknown) => void): void;
  error(
    kind: ErrorKind,
    code: string,
    message: string,
    retryable: boolean,
    status: number | undefined,
  ): BackendEventError;
  state(now: ConnectionState): void;
  /** An event that fits the contract, or one that it does not have. */
  event(kind: EventKind, name: string, data: unknown, meta: EventMeta): void;
  /** Calls the resync handlers. */
  resync(reason: ResyncReason, signal: AbortSignal): Outcome;
  report(error: BackendEventError): void;
  contractChange(): void;
}

/** A contract as its npm package binds it. */
export interface Contract {
  /** Gives the wasm, inflated and compiled; asked for once, and again after a failure. */
  load(): Promise<CoreModule>;
  readonly revision: number;
  readonly hash: string;
  readonly names: readonly string[];
  readonly applicationError: string | null;
}
