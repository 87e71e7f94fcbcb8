import type { CoreModule } from "@tidings/client";
import { begin, imports, Provider } from "./coaching_events.js";

let started: Promise<void> | undefined;

/** Compiles the wasm, once however often it is called, and gives the class in it. A failure may be tried again. */
export async function start(wasm: URL | string | ArrayBuffer): Promise<CoreModule> {
  started ??= run(wasm);
  try {
    await started;
  } catch (error) {
    started = undefined;
    throw error;
  }
  return { Provider: Provider as unknown as CoreModule["Provider"] };
}

async function run(wasm: URL | string | ArrayBuffer): Promise<void> {
  const bytes = wasm instanceof ArrayBuffer ? wasm : await download(wasm);
  begin((await WebAssembly.instantiate(bytes, imports())).instance);
}

/** As bytes, not as a stream: that would refuse a server that does not know the media type of wasm. */
async function download(url: URL | string): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response.arrayBuffer();
}
