/** What a connection state means to the person before the page; no words and no looks. */
import type { Tone } from "../combine.js";
import type { Unsubscribe } from "../types.js";

/** A state as far as it is shown: that of a provider, or of several connections made one. */
export interface ShownState {
  readonly status: string;
  readonly since?: number;
  readonly retryAt?: number | null;
  readonly reason?: unknown;
}

/** What is shown: a provider, or what `combineConnectionStates` gives with a `reconnect` of the app's. */
export interface StatusSource {
  /** Bound: calls at every change of the state. */
  readonly subscribe: (onChange: () => void) => Unsubscribe;
  /** Bound: the state now. */
  readonly getSnapshot: () => ShownState;
  /** Bound: what a server renders. */
  readonly getServerSnapshot: () => ShownState;
  /** Tries again now. */
  reconnect?(): void;
}

/** The state, and what can be done about it. */
export interface ConnectionStatusView {
  readonly status: string;
  readonly tone: Tone;
  /** Whether there is anything that a person should know. */
  readonly troubled: boolean;
  /** When the next attempt begins; milliseconds since the epoch, `null` while one runs, `undefined` if nobody knows. */
  readonly retryAt: number | null | undefined;
  /** `retry`: an attempt now may help. `log-in`: only new credentials do. */
  readonly action: "retry" | "log-in" | null;
}

const TONES: Readonly<Record<string, Tone>> = {
  reconnecting: "warning",
  offline: "warning",
  "editing-offline": "warning",
  "long-broken": "error",
  unauthorized: "error",
  closed: "error",
};

export function viewOf(state: ShownState): ConnectionStatusView {
  const { status, retryAt } = state;
  const troubled = status in TONES && !(status === "closed" && state.reason === "close()");
  const action = !troubled ? null : status === "unauthorized" ? "log-in" : "retry";
  return { status, tone: TONES[status] ?? "info", troubled, retryAt, action };
}

/** Whole seconds until `retryAt`; `null` when there is nothing to count. */
export function secondsUntil(retryAt: number | null, now: number): number | null {
  return retryAt === null || retryAt <= now ? null : Math.ceil((retryAt - now) / 1_000);
}
