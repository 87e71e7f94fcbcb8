/**
 * `@tidings/client`: typed events from a Rust backend, for any contract.
 *
 * An app imports its contract's package, which binds this one; here are the types, `bindContract`, and nothing
 * that runs at import.
 */
export { bindContract } from "./bind.js";
export type { Contract, Core, CoreModule, Host } from "./core.js";
export { earliestCursor } from "./cursor.js";
export { BackendEventError, UnauthorizedError } from "./error.js";
export type {
  AnyEvent,
  ApplicationErrorOf,
  AuthRequest,
  BackendEventCallbacks,
  BackendEventProviderConstructor,
  BackendEventProviderInstance,
  BackendEventProviderInstance as BackendEventProvider,
  BackendEventProviderInstance as BackendEventClient,
  BackendEventProviderOptions,
  BoundContract,
  Clock,
  ConnectionState,
  ConnectionStatus,
  Cursor,
  ErrorKind,
  EventMap,
  EventMapOf,
  EventMeta,
  EventName,
  Handler,
  Inspection,
  ListenOptions,
  Logger,
  Outage,
  ReplayOptions,
  ResyncHandler,
  ResyncReason,
  RetryOptions,
  StateListenOptions,
  TimeoutOptions,
  Unsubscribe,
} from "./types.js";
