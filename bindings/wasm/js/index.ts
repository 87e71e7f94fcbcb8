/**
 * `@tidings/coaching-events`: the coaching platform's events, typed and checked.
 *
 * ```ts
 * import { BackendEventProvider, EventType } from "@tidings/coaching-events";
 *
 * const provider = new BackendEventProvider({ url: "/sse" });
 * provider.on(EventType.ActionCreated, ({ action }) => console.log(action.body));
 * ```
 */
import type { BackendEventProviderConstructor, BackendEventProviderInstance, BackendEventProviderOptions } from "@tidings/client";
import { bound } from "./bound.js";
import type { Events } from "./contract.js";

export * from "@tidings/client";
export * from "./contract.js";

/** The provider of the coaching events. */
export const BackendEventProvider: BackendEventProviderConstructor<Events> = bound.BackendEventProvider;
/** One connection to the coaching events. */
export type BackendEventProvider = BackendEventProviderInstance<Events>;
/** The class under a name of its own, for files that also import the component of the same name. */
export const BackendEventClient: BackendEventProviderConstructor<Events> = bound.BackendEventProvider;
export type BackendEventClient = BackendEventProviderInstance<Events>;

/** `new BackendEventProvider(options)`. */
export function createBackendEventProvider(options: BackendEventProviderOptions<Events>): BackendEventProvider {
  return bound.createBackendEventProvider(options);
}
