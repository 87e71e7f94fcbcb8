"use client";
/** React's side of Tidings: a provider component and hooks, typed by one event map. */
import { createContext, useContext, useEffect } from "react";
import type { JSX, ReactNode } from "react";
import { useStateView, watchCalm } from "./react/connection-state.js";
import { useLatest } from "./react/latest.js";
import { useOwnedProvider } from "./react/owned-provider.js";
import type {
  BackendEventProviderInstance,
  BackendEventProviderOptions,
  BoundContract,
  ConnectionState,
  EventMap,
  EventName,
  Handler,
  ResyncHandler,
} from "./types.js";

/** Where the provider comes from: `provider` is never closed here, one of `options` is owned and closed. */
type Source<E extends object> =
  | { provider: BackendEventProviderInstance<E>; options?: never }
  | { provider?: never; options: BackendEventProviderOptions<E> };

/** The props of `<BackendEventProvider>`. */
export type ProviderProps<E extends object = EventMap> = Source<E> & {
  /** With `options`: whether to be connected, default true. A `provider` is its owner's to connect. */
  enabled?: boolean;
  children?: ReactNode;
};

/** What a hook listens for is switched with its options. */
export interface UseOptions {
  /** Default true; `false` listens to nothing. */
  enabled?: boolean;
}

/** How a connection state is shown. */
export interface UseConnectionStateOptions {
  /** Milliseconds from the beginning of an outage for which `reconnecting` and `offline` stay hidden. Default 0. */
  graceMs?: number;
}

/** The component and the hooks of one event map. */
export interface BackendEventHooks<E extends object = EventMap> {
  /**
   * Gives the provider to the hooks below it. Options are compared by value: a change other than of
   * functions makes a new provider, which goes on at the old one's cursor when `url` and `identity`
   * are the same; a change of `identity` alone keeps the provider and calls `setIdentity`.
   */
  BackendEventProvider(props: ProviderProps<E>): JSX.Element;
  /** The provider of the nearest component above; throws where there is none. */
  useBackendEventProvider(): BackendEventProviderInstance<E>;
  /** Calls the latest `handler` for each event of the type, or of each of the types; needs no memo. */
  useBackendEvent<K extends EventName<E>>(type: K | readonly K[], handler: Handler<E, K>, o?: UseOptions): void;
  /** Where the connection stands. */
  useConnectionState(): ConnectionState;
  /** What `select` gives of the state; renders again only when that changes by `Object.is`. */
  useConnectionState<T>(select: (s: ConnectionState) => T, o?: UseConnectionStateOptions): T;
  /** Calls the latest `handler` when something may be missing; events wait until what it returns settles. */
  useResync(handler: ResyncHandler): void;
}

/** The hooks of a bound contract, and the way to make its providers by hand. */
export type BoundEventHooks<E extends object> = BackendEventHooks<E> &
  Pick<BoundContract<E>, "createBackendEventProvider">;

/**
 * The typed set of one event map: call it once per app and export the result. Without `bound` only
 * `<BackendEventProvider provider>` can be used.
 */
export function createBackendEventHooks<E extends object>(bound: BoundContract<E>): BoundEventHooks<E>;
export function createBackendEventHooks<E extends object>(bound?: undefined): BackendEventHooks<E>;
export function createBackendEventHooks<E extends object>(bound?: BoundContract<E>): BackendEventHooks<E> {
  const context = createContext<BackendEventProviderInstance<E> | null>(null);

  function Providing({ provider, children }: Extract<ProviderProps<E>, { options?: never }>): JSX.Element {
    useEffect(() => watchCalm(provider), [provider]);
    return <context.Provider value={provider}>{children}</context.Provider>;
  }

  function Owning({ options, enabled, children }: Extract<ProviderProps<E>, { provider?: never }>): JSX.Element {
    return <Providing provider={useOwnedProvider(bound, options, enabled ?? true)}>{children}</Providing>;
  }

  function useBackendEventProvider(): BackendEventProviderInstance<E> {
    const provider = useContext(context);
    if (provider === null) throw new Error("there is no <BackendEventProvider> of this contract above");
    return provider;
  }

  function useBackendEvent<K extends EventName<E>>(type: K | readonly K[], handler: Handler<E, K>, o?: UseOptions): void {
    const provider = useBackendEventProvider();
    const latest = useLatest(handler);
    const enabled = o?.enabled ?? true;
    // Names hold no line feed (publishers refuse it), so one string compares a list by value.
    const names = typeof type === "string" ? type : type.join("\n");
    useEffect(() => {
      if (!enabled || names === "") return;
      return provider.on(names.split("\n") as K[], (data, meta) => latest.current(data, meta));
    }, [provider, names, enabled, latest]);
  }

  function useConnectionState<T>(select?: (s: ConnectionState) => T, o?: UseConnectionStateOptions): T {
    const whole = unselected as (s: ConnectionState) => T;
    return useStateView(useBackendEventProvider(), select ?? whole, o?.graceMs ?? 0);
  }

  function useResync(handler: ResyncHandler): void {
    const provider = useBackendEventProvider();
    const latest = useLatest(handler);
    useEffect(() => provider.onResync((reason, o) => latest.current(reason, o)), [provider, latest]);
  }

  return {
    BackendEventProvider: (props) => (props.provider === undefined ? <Owning {...props} /> : <Providing {...props} />),
    useBackendEventProvider,
    useBackendEvent,
    useConnectionState,
    useResync,
    ...(bound && { createBackendEventProvider: bound.createBackendEventProvider }),
  };
}

function unselected(s: ConnectionState): ConnectionState {
  return s;
}

const unbound = /* @__PURE__ */ createBackendEventHooks<EventMap>();

/** The component as a value and the instance as a type, under one name. Takes any contract's `provider`. */
export const BackendEventProvider = unbound.BackendEventProvider as <E extends object = EventMap>(
  props: ProviderProps<E>,
) => JSX.Element;
export type BackendEventProvider<E extends object = EventMap> = BackendEventProviderInstance<E>;
export const useBackendEventProvider: BackendEventHooks["useBackendEventProvider"] = unbound.useBackendEventProvider;
export const useBackendEvent: BackendEventHooks["useBackendEvent"] = unbound.useBackendEvent;
export const useConnectionState: BackendEventHooks["useConnectionState"] = unbound.useConnectionState;
export const useResync: BackendEventHooks["useResync"] = unbound.useResync;
