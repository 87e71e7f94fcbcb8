import type { BackendEventError, Clock, ConnectionState, ErrorKind, Inspection } from "./types.js";

/** What a handler waits for, as the Rust side calls it. */
export type Occasion = "event" | "any" | "unknown" | "application_error" | "state" | "resync" | "error";

/** Why a load is no longer waited for. */
export type Released = "timeout" | "overflow" | "superseded" | "closed";

// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyHandler = (...arguments_: any[]) => unknown;

/** The class that `export_provider!` makes. Nothing here decides: each method is one call into Rust. */
export interface Core {
  /** Names one to a line. */
  listen(occasion: Occasion, names: string, handler: AnyHandler, once: boolean): number;
  unlisten(registration: number): void;
  off(name: string, handler: AnyHandler): void;
  connect(): void;
  reconnect(): void;
  close(): void;
  setIdentity(signedIn: boolean): void;
  hold(release: (cause: Released) => void): number | undefined;
  settle(hold: number, ok: boolean): void;
  readonly lastEventId: string | undefined;
  inspect(): Inspection;
}

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
    cause: unknown,
  ): BackendEventError;
  state(now: ConnectionState): void;
  contractChange(): void;
  unheard(error: BackendEventError): void;
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
