import type { CoreModule } from "@tidings/client";
import init, { Provider } from "./coaching_events.js";

/** Compiles the wasm, once however often it is called, and gives the class in it. */
export async function start(wasm: URL | string | ArrayBuffer): Promise<CoreModule> {
  await init({ module_or_path: wasm });
  return { Provider: Provider as unknown as CoreModule["Provider"] };
}
