import type { Contract, CoreModule } from "./core.js";
import { Provider } from "./provider.js";
import type { BackendEventProviderOptions, BoundContract } from "./types.js";

/**
 * Binds the provider to a contract and its wasm: what a contract's npm package calls once.
 *
 * The wasm is loaded with the first provider in a browser and shared by all; a failed load is tried again by the
 * next `connect()`.
 */
export function bindContract<E extends object>(contract: Contract): BoundContract<E> {
  let loaded: Promise<CoreModule> | null = null;
  const bound: Contract = {
    ...contract,
    load: () => {
      loaded ??= contract.load().catch((error: unknown) => {
        loaded = null;
        throw error;
      });
      return loaded;
    },
  };
  class BackendEventProvider extends Provider<E> {
    constructor(options: BackendEventProviderOptions<E>) {
      super(bound, options);
    }
  }
  return {
    BackendEventProvider,
    createBackendEventProvider: (options) => new BackendEventProvider(options),
  };
}
