"use client";
/** The provider that a component makes of its options, keeps while they ask for the same, and closes. */
import { useEffect, useState } from "react";
import type { BackendEventProviderInstance, BackendEventProviderOptions, BoundContract } from "../types.js";
import { useLatest } from "./latest.js";
import { sameOptions } from "./options.js";
import { Owned, Ownership } from "./ownership.js";

/**
 * The provider for these options. It exists from the first render on, also on a server; it connects
 * only once mounted, since React may throw a render away.
 */
export function useOwnedProvider<E extends object>(
  bound: BoundContract<E> | undefined,
  options: BackendEventProviderOptions<E>,
  enabled: boolean,
): BackendEventProviderInstance<E> {
  const latest = useLatest(options);
  const make = (): Owned<E> => new Owned(maker(bound), options, latest);
  const [ownership] = useState(() => new Ownership<E>());
  const [kept, setKept] = useState(make);

  let owned = kept;
  if (!sameOptions(kept.options, options)) {
    owned = make();
    setKept(owned);
  }

  const connect = options.autoConnect !== false;
  useEffect(() => {
    if (!enabled) return;
    ownership.want(owned, connect);
    return () => ownership.release();
  }, [ownership, owned, enabled, connect]);
  const hears = options.onError !== undefined;
  useEffect(() => {
    if (hears) return owned.instance.onError((e) => latest.current.onError?.(e));
  }, [owned, hears, latest]);
  useEffect(() => owned.identify(options.identity), [owned, options.identity]);

  return owned.instance;
}

function maker<E extends object>(bound: BoundContract<E> | undefined): BoundContract<E>["createBackendEventProvider"] {
  if (bound !== undefined) return bound.createBackendEventProvider;
  throw new Error(
    "<BackendEventProvider options> needs a contract: import it from the contract's package, or hand over a provider",
  );
}
