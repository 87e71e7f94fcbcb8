import type { Outcome } from "./registrations.js";
import type { Told } from "./state.js";
import type { BackendEventError, Clock, ErrorKind, ResyncReason } from "./types.js";

/** Why a load is no longer waited for. */
export type Released = "timeout" | "overflow" | "superseded" | "closed";

/**
 * The class that `export_provider!` makes. Nothing here decides: each method is one call into Rust.
 *
 * @hidden
 */
export interface Core {
  connect(): void;
  reconnect(): void;
  close(): void;
  setIdentity(signedIn: boolean, shares: boolean): void;
  /** LF, and each name with LF behind it; empty for all, as in Rust's `protocol::Names`. */
  want(groups: string): void;
  granted(): void;
  stolen(): void;
  hear(...post: PostTo): void;
  hold(): number | undefined;
  settle(hold: number, ok: boolean): void;
  /** Empty where there is none. */
  readonly lastEventId: string;
}

/** What the contract says of an event. */
export type EventKind = "event" | "application_error" | "unknown";

/** What is to be done with the lock of the tabs that share. */
export type LockWord = "ask" | "steal" | "leave" | "quit";

/** A post between tabs, as Rust's `protocol::tab::Post` has it. */
export type PostTo = [kind: number, from: number, to: number, term: number, number: number, text: string];

/** What a contract's wasm exports. */
export interface CoreModule {
  readonly Provider: new (host: Host) => Core;
}

/** A body's reader, with what it has given and was not taken yet. */
export type BodyReader = ReadableStreamDefaultReader<Uint8Array> & { rest?: Uint8Array | false; gone?: true };

/** What an attempt needs to be made; a text is empty where there is none. */
export type OpenRequest = [
  cursor: string,
  /** The connection it continues. */
  connection: string,
  /** Whether the last credentials were refused. */
  renew: boolean,
  /** Attempts since the stream was last healthy. */
  attempt: number,
  /** Groups that it asks for, NUL, and those that the cursor speaks for: as Rust's `protocol::Names` has them. */
  groups: string,
];

/** What matters of a response. */
export interface ResponseHead {
  status: number;
  type: string | null;
  /** `NaN` where the server does not say. */
  retryMs: number;
  /** Of a body that is to be read. */
  reader: BodyReader | undefined;
}

/**
 * What the Rust side asks of the façade. What is not a promise may not throw.
 *
 * @hidden
 */
export interface Host {
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
  /** Whether there may be other tabs to share a stream with. */
  readonly shares: boolean;
  /** What the page reads at first. */
  readonly groups: string;
  online(): boolean;
  /** The cursor that came with the page's data; asked for once. */
  from(): Promise<string | null | undefined>;
  open(...request: OpenRequest): Promise<ResponseHead>;
  /** Calls the last request off. */
  abort(): void;
  /** What comes next of a body, at most 128 KiB of it in one task of the page. */
  next(reader: BodyReader): Promise<{ done?: boolean; value?: Uint8Array }>;
  /** Tells the server that this end of the stream lives. */
  alive(connection: string): void;
  /** Calls back once with the number, whether the promise was kept, and what it came to. */
  settled(promise: unknown, then: (number: number, kept: boolean, value: unknown) => void, number: number): void;
  error(
    kind: ErrorKind,
    code: string,
    message: string,
    retryable: boolean,
    status: number | undefined,
  ): BackendEventError;
  state(...told: Told): void;
  /** An event that fits the contract, or one that it does not have. */
  event(
    kind: EventKind,
    name: string,
    data: unknown,
    meta: unknown,
    id: string,
    replayed: boolean,
    relayed: boolean,
  ): void;
  /** Calls the resync handlers. */
  resync(reason: ResyncReason, hold: number): Outcome;
  /** Tells a resync or a load that nobody waits for it any more. */
  release(hold: number, cause: Released): void;
  report(error: BackendEventError): void;
  /** Has the open stream read the first of these groups, which are as in a request. */
  follow(connection: string, groups: string): void;
  lock(what: LockWord): void;
  post(...post: PostTo): void;
  /** Shows the state that came with the leader's post. */
  mirror(): void;
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
