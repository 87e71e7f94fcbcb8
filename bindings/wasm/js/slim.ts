/**
 * The same package without the wasm inside: whoever serves `coaching_events_bg.wasm` says where.
 *
 * ```ts
 * import wasm from "@tidings/coaching-events/coaching_events_bg.wasm?url";
 * import { fromUrl } from "@tidings/coaching-events/slim";
 *
 * const { createBackendEventProvider } = fromUrl(wasm);
 * ```
 */
import { bindContract, type BoundContract } from "@tidings/client";
import { contract, type Events } from "./contract.js";
import { start } from "./glue.js";

export * from "@tidings/client";
export * from "./contract.js";

/** Binds the contract to the wasm at `url`; call it once. */
export function fromUrl(url: string | URL): BoundContract<Events> {
  return bindContract<Events>({ ...contract, load: () => start(url) });
}
