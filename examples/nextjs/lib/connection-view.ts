// What a connection state looks like to a person, in words and in the one thing they can do about it.
import type { ConnectionState } from "@tidings/coaching-events";

export interface ConnectionView {
  /** `quiet` is a mark in the header; `trouble` a bar over the page. */
  readonly place: "quiet" | "trouble";
  readonly title: string;
  readonly detail: string | null;
  readonly action: "retry" | "log-in" | "turn-on" | null;
  /** When the next attempt starts, for the countdown; null while it is under way. */
  readonly retryAt: number | null;
}

export function connectionView(state: ConnectionState): ConnectionView {
  switch (state.status) {
    case "idle":
    case "connecting":
      return { place: "quiet", title: "Connecting", detail: null, action: null, retryAt: null };
    case "online":
      return { place: "quiet", title: "Live", detail: null, action: null, retryAt: null };
    case "reconnecting":
      return { place: "trouble", title: "Reconnecting", detail: "Live updates are paused. Nothing is lost: they catch up by themselves.", action: "retry", retryAt: state.retryAt };
    case "offline":
      return { place: "trouble", title: "You are offline", detail: "Your device reports no network. Live updates resume when it is back.", action: "retry", retryAt: state.retryAt };
    case "long-broken":
      return { place: "trouble", title: "Still no connection", detail: "What you see may be out of date. We keep trying.", action: "retry", retryAt: state.retryAt };
    case "unauthorized":
      return { place: "trouble", title: "Your log-in has ended", detail: "Log in again to go on where you are.", action: "log-in", retryAt: null };
    case "closed":
      return state.reason === "close()"
        ? { place: "quiet", title: "Not live", detail: null, action: null, retryAt: null }
        : { place: "trouble", title: "Live updates are off", detail: "Reload the page to see what others change.", action: "turn-on", retryAt: null };
  }
}

/** Whole seconds until `retryAt`, never below zero; null when there is nothing to count. */
export function secondsUntil(retryAt: number | null, now: number): number | null {
  return retryAt === null || retryAt <= now ? null : Math.ceil((retryAt - now) / 1_000);
}
