/** What a provider can be made of. */
import type { BackendEventProviderOptions, BoundContract } from "../js/types.js";
import type { Events } from "./contract.js";

declare const bound: BoundContract<Events>;
const { BackendEventProvider, createBackendEventProvider } = bound;
type Options = BackendEventProviderOptions<Events>;

const provider = new BackendEventProvider({ url: "/sse" });
provider.on("action_created", ({ action }) => action.id);
createBackendEventProvider({ url: new URL("http://localhost/sse"), credentials: "include", identity: null });
createBackendEventProvider({ url: async () => "/sse", auth: async ({ reason }) => (reason === "rejected" ? null : { headers: {} }) });
// @ts-expect-error the address is needed
createBackendEventProvider({});
// @ts-expect-error a misspelt option
createBackendEventProvider({ url: "/sse", identiy: "ann" });
// @ts-expect-error no such credentials
createBackendEventProvider({ url: "/sse", credentials: "all" });

// The first cursor: at hand, promised, or asked for.
({ url: "/sse", replay: { from: "e-1" } }) satisfies Options;
({ url: "/sse", replay: { from: null } }) satisfies Options;
({ url: "/sse", replay: { from: fetch("/data").then((r) => r.headers.get("tidings-cursor")) } }) satisfies Options;
({ url: "/sse", replay: { from: () => "e-1" } }) satisfies Options;
({ url: "/sse", replay: { from: async () => null } }) satisfies Options;
// @ts-expect-error a cursor is no number
({ url: "/sse", replay: { from: 7 } }) satisfies Options;

({
  url: "/sse",
  onOnline: (s) => s.status,
  onError: (e) => e.kind === "handler" && e.status?.toFixed(),
  logger: false,
  networkTarget: null,
  clock: { now: Date.now, random: Math.random, setTimeout: (f, ms) => setTimeout(f, ms), clearTimeout: () => {} },
}) satisfies Options;
// @ts-expect-error no such kind
({ url: "/sse", onError: (e) => e.kind === "network" }) satisfies Options;
