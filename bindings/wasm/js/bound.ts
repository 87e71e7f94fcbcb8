import { bindContract, type BoundContract } from "@tidings/client";
import { contract, type Events } from "./contract.js";
import { start } from "./glue.js";
import { inlined } from "./inlined.js";

/** The coaching contract with its wasm inlined: no loader, no further request. */
export const bound: BoundContract<Events> = /* @__PURE__ */ bindContract<Events>({
  ...contract,
  load: async () => start(await inflate(inlined)),
});

async function inflate(base64: string): Promise<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const inflating = new DecompressionStream("gzip");
  const writer = inflating.writable.getWriter();
  // What goes wrong here ends the readable side too, which is the one that is awaited.
  writer.write(bytes).catch(() => {});
  writer.close().catch(() => {});
  return new Response(inflating.readable).arrayBuffer();
}
