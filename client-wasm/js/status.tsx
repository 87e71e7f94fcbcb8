"use client";
/** A ready-made notice of connection trouble, and the hook beneath it for those who make their own. */
import { useEffect, useMemo, useRef, useState } from "react";
import type { JSX, ReactNode } from "react";
import type { CombinedStatus } from "./combine.js";
import { useStateView } from "./react/connection-state.js";
import { STYLE } from "./status/style.js";
import { secondsUntil, viewOf, type ConnectionStatusView, type StatusSource } from "./status/view.js";

export type { ConnectionStatusView, ShownState, StatusSource } from "./status/view.js";

/** How the trouble is shown. */
export interface UseConnectionStatusOptions {
  /** Milliseconds for which `reconnecting` and `offline` stay hidden; default 2000. */
  graceMs?: number;
}

/** What the person before the page should know of the connection, and can do about it. */
export function useConnectionStatus(
  source: StatusSource,
  { graceMs = 2_000 }: UseConnectionStatusOptions = {},
): ConnectionStatusView {
  // The states differ in what they carry beside `status` and `since`, which is all that is looked at there.
  const store = source as unknown as Parameters<typeof useStateView>[0];
  return useStateView(store, viewOf as unknown as (s: unknown) => ConnectionStatusView, graceMs);
}

/** Whole seconds until `retryAt`, counting; `null` when there is nothing to count. */
export function useCountdown(retryAt: number | null): number | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    if (retryAt === null) return;
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [retryAt]);
  return secondsUntil(retryAt, now);
}

/** The words of one state. */
export interface StatusWords {
  readonly title: string;
  readonly detail?: string;
}

/** Every word, to be translated. */
export interface StatusLabels {
  readonly states: Readonly<Partial<Record<CombinedStatus, StatusWords>>>;
  readonly retry: string;
  readonly logIn: string;
  readonly recovered: string;
  /** When the next attempt is; `null` while one runs. */
  readonly next: (seconds: number | null) => string;
}

const LABELS: StatusLabels = {
  states: {
    reconnecting: { title: "Reconnecting", detail: "Updates are paused. They catch up by themselves." },
    offline: { title: "You are offline", detail: "Updates go on when your device has a network again." },
    "editing-offline": { title: "Editing offline", detail: "What you write is kept, and synced later." },
    "long-broken": { title: "Still no connection", detail: "What you see may be out of date. We keep trying." },
    unauthorized: { title: "Your log-in has ended", detail: "Log in again to go on where you are." },
    closed: { title: "Updates are off", detail: "Try again, or reload the page." },
  },
  retry: "Retry now",
  logIn: "Log in again",
  recovered: "Back online",
  next: (seconds) => (seconds === null ? "Trying now…" : `Next try in ${seconds} s`),
};
/** How long the good news stays. */
const RECOVERED_MS = 3_000;

/** The props of `<ConnectionStatus>`. */
export interface ConnectionStatusProps extends UseConnectionStatusOptions {
  /** A provider, or several connections made one. */
  source: StatusSource;
  /** Called by "log in again"; without it and `logInHref` there is no such button. */
  onLogIn?: () => void;
  logInHref?: string;
  /** `overlay` lies over the lower edge of the page; `inline` keeps its room free, so that nothing jumps. */
  placement?: "overlay" | "inline";
  labels?: Partial<StatusLabels>;
  /** Of the page's Content-Security-Policy, for the one `<style>` element. */
  nonce?: string;
  /** In place of the package's own bar. */
  children?: (view: ConnectionStatusView) => ReactNode;
}

/** Says when the connection is in trouble, what it means, and what can be done; nothing while all is well. */
export function ConnectionStatus({
  source,
  graceMs,
  onLogIn,
  logInHref,
  placement = "overlay",
  labels: own,
  nonce,
  children,
}: ConnectionStatusProps): JSX.Element {
  const view = useConnectionStatus(source, { graceMs });
  const labels = useMemo(() => ({ ...LABELS, ...own, states: { ...LABELS.states, ...own?.states } }), [own]);
  const recovered = useRecovered(view);
  const words = view.troubled
    ? (labels.states[view.status as CombinedStatus] ?? { title: view.status })
    : recovered
      ? { title: labels.recovered }
      : null;
  return (
    <>
      {/* React keeps one of all that have the same `href`, but takes no nonce for it from a component. */}
      {nonce === undefined ? (
        <style href="tidings-status" precedence="tidings">
          {STYLE}
        </style>
      ) : (
        <style nonce={nonce}>{STYLE}</style>
      )}
      <div
        role="status"
        className="tidings-status"
        data-status={view.status}
        data-tone={view.tone}
        data-placement={placement}
      >
        {words && children
          ? children(view)
          : words && (
              <div className="tidings-status-bar">
                <div className="tidings-status-words">
                  <strong>{words.title}</strong>
                  {words.detail}
                </div>
                {view.action === "retry" && source.reconnect && (
                  <>
                    {view.retryAt !== undefined && <Countdown retryAt={view.retryAt} say={labels.next} />}
                    <button type="button" onClick={() => source.reconnect?.()}>
                      {labels.retry}
                    </button>
                  </>
                )}
                {view.action === "log-in" && logInHref !== undefined && <a href={logInHref}>{labels.logIn}</a>}
                {view.action === "log-in" && logInHref === undefined && onLogIn && (
                  <button type="button" onClick={onLogIn}>
                    {labels.logIn}
                  </button>
                )}
              </div>
            )}
      </div>
    </>
  );
}

/** The seconds tick for the eye only: a screen reader hears the state, not every second of it. */
function Countdown({ retryAt, say }: { retryAt: number | null; say: StatusLabels["next"] }): JSX.Element {
  return (
    <span className="tidings-status-count" aria-hidden="true">
      {say(useCountdown(retryAt))}
    </span>
  );
}

/** For a while after trouble that was shown. */
function useRecovered({ troubled, status }: ConnectionStatusView): boolean {
  const [recovered, setRecovered] = useState(false);
  const before = useRef(false);
  useEffect(() => {
    const back = before.current && !troubled && status === "online";
    before.current = troubled;
    setRecovered(back);
    if (!back) return;
    const timer = setTimeout(() => setRecovered(false), RECOVERED_MS);
    return () => clearTimeout(timer);
  }, [troubled, status]);
  return recovered;
}
