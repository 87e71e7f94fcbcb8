/** The connection state is a closed union: a switch over it is checked to be whole. */
import type { BackendEventProviderInstance, ConnectionState, ResyncReason } from "../js/types.js";
import type { Events } from "./contract.js";
import { same } from "./expect.js";

declare const provider: BackendEventProviderInstance<Events>;

function impossible(x: never): never {
  throw new Error(String(x));
}

export function label(s: ConnectionState): string {
  switch (s.status) {
    case "idle":
      return "";
    case "connecting":
      return new Date(s.since).toISOString();
    case "online":
      return s.resumed ? s.role : "";
    case "reconnecting":
    case "offline":
    case "long-broken":
      return `${s.attempt} ${s.retryAt?.toFixed()} ${s.reason.code}`;
    case "unauthorized":
      return s.reason.message;
    case "closed":
      return typeof s.reason === "string" ? s.reason : s.reason.message;
    default:
      return impossible(s);
  }
}

export function withoutOffline(s: ConnectionState): string {
  if (s.status !== "offline") return s.status;
  // @ts-expect-error `offline` is left
  return impossible(s);
}

export function resync(reason: ResyncReason): string {
  switch (reason) {
    case "initial":
    case "retention":
    case "epoch":
    case "overflow":
    case "unknown_cursor":
    case "rights":
    case "identity_changed":
    case "no_replay":
    case "count_mismatch":
      return reason;
    default:
      return impossible(reason);
  }
}

// @ts-expect-error an online state has no attempts
export const attempts = (s: ConnectionState & { status: "online" }): number => s.attempt;
// @ts-expect-error no such status
export const wrong = (s: ConnectionState): boolean => s.status === "connected";
// @ts-expect-error immutable
provider.state.status = "idle";

provider.onState((now, before) => same<[typeof now, typeof before], [ConnectionState, ConnectionState]>(), { immediate: true });
provider.onResync(async (reason, { signal }) => void (await fetch(`/load?${reason}`, { signal })));
// @ts-expect-error `immediate` is onState's
provider.onResync(() => {}, { immediate: true });
