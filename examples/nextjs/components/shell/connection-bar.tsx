"use client";
// The bar that tells of connection trouble: over the page at its lower edge, so that nothing jumps, and gone as soon as all is well.
import { useEffect, useRef, useState } from "react";
import { useBackendEventProvider, useConnectionState } from "@tidings/coaching-events/react";
import { connectionView, secondsUntil } from "@/lib/connection-view";
import type { User } from "@/lib/entities";
import { Button } from "@/components/ui/button";
import { Icon, type IconName } from "@/components/ui/icons";
import { LogInForm } from "@/components/ui/log-in-form";
import { GRACE_MS } from "./connection-mark";
import styles from "./connection.module.css";

const ICONS: Readonly<Record<string, IconName>> = { reconnecting: "plug", offline: "cloudOff", "long-broken": "plug", unauthorized: "key", closed: "plug" };

export function ConnectionBar({ email, onLogIn }: { email: string; onLogIn: (user: User) => void }) {
  const provider = useBackendEventProvider();
  const state = useConnectionState((now) => now, { graceMs: GRACE_MS });
  const view = connectionView(state);
  const dialog = useRef<HTMLDialogElement>(null);
  const troubled = view.place === "trouble";
  useEffect(() => {
    if (!troubled) dialog.current?.close();
  }, [troubled]);
  const ask = () => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLInputElement>("input[type=password]")?.focus(); // The email is there already.
  };
  return (
    <>
      <div role="status" className={styles.slot} data-testid="connection-status" data-status={state.status}>
        {troubled && (
          <div className={styles.bar} data-status={state.status}>
            <span className={styles.sign}><Icon name={ICONS[state.status] ?? "plug"} size={20} /></span>
            <div className={styles.words}>
              <p className={styles.title}>{view.title}</p>
              <p className={styles.detail}>{view.detail}</p>
            </div>
            <div className={styles.actions}>
              {view.action === "retry" && <Countdown retryAt={view.retryAt} />}
              {view.action === "retry" && <Button data-testid="retry-now" onClick={() => provider.reconnect()}>Retry now</Button>}
              {view.action === "log-in" && <Button look="primary" data-testid="log-in-again" onClick={ask}>Log in again</Button>}
              {view.action === "turn-on" && <Button data-testid="turn-on" onClick={() => provider.connect()}>Turn on</Button>}
            </div>
          </div>
        )}
      </div>
      <dialog ref={dialog} className={styles.dialog} aria-labelledby="log-in-again-title" data-testid="log-in-dialog">
        <h2 id="log-in-again-title">Log in again</h2>
        <p>Your page stays as it is.</p>
        <LogInForm email={email} onLogIn={(user) => {
          dialog.current?.close();
          onLogIn(user);
        }} />
        <Button look="ghost" onClick={() => dialog.current?.close()}>Not now</Button>
      </dialog>
    </>
  );
}

/** The seconds tick for the eye only: a screen reader hears the state, not every second of it. */
function Countdown({ retryAt }: { retryAt: number | null }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 250);
    return () => clearInterval(timer);
  }, [retryAt]);
  const seconds = secondsUntil(retryAt, now);
  return <span className={styles.countdown} aria-hidden="true" data-testid="retry-countdown">{seconds === null ? "Trying now…" : `Next try in ${seconds} s`}</span>;
}
