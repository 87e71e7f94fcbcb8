/** The coaching contract with its real wasm, as `cargo xtask wasm` built it. */
import { existsSync, readFileSync } from "node:fs";
import { contract, type Events } from "../../../bindings/ts/index.js";
import { bindContract } from "../../js/bind.js";
import type { CoreModule } from "../../js/core.js";

const pkg = new URL("../../../bindings/wasm/pkg/", import.meta.url);

export async function load(): Promise<CoreModule> {
  const wasm = new URL("coaching_events_bg.wasm", pkg);
  if (!existsSync(wasm)) throw new Error("bindings/wasm/pkg is not built: run `cargo xtask wasm`");
  const glue = await import(/* @vite-ignore */ new URL("coaching_events.js", pkg).href);
  glue.begin(new WebAssembly.Instance(new WebAssembly.Module(readFileSync(wasm)), glue.imports()));
  return { Provider: glue.Provider };
}

export const bound = bindContract<Events>({ ...contract, load });
export type { Events };

/** The golden JSON of an event. */
export function fixture(name: keyof Events): { type: string; data: object } {
  return JSON.parse(readFileSync(new URL(`../../../bindings/fixtures/${name}.json`, import.meta.url), "utf8"));
}
