"use client";
// The bar that tells of connection trouble: over the page at its lower edge, so that nothing jumps, and gone as soon as all is well.
import { useEffect, useRef } from "react";
import type { CombinedState } from "@tidings/client/combine";
import { useConnectionStatus, useCountdown } from "@tidings/client/react/status";
import { useBackendEventProvider } from "@tidings/coaching-events/react";
import { connectionWords } from "@/lib/connection-view";
import type { User } from "@/lib/entities";
import { Button } from "@/components/ui/button";
import { Icon, type IconName } from "@/components/ui/icons";
import { LogInForm } from "@/components/ui/log-in-form";
import { useConnections } from "./connections";
import styles from "./connection.module.css";

const ICONS: Readonly<Record<string, IconName>> = { reconnecting: "plug", offline: "cloudOff", "editing-offline": "cloudOff", "long-broken": "plug", unauthorized: "key", closed: "plug" };

export function ConnectionBar({ email, onLogIn }: { email: string; onLogIn: (user: User) => void }) {
  const provider = useBackendEventProvider();
  const { source } = useConnections();
  const { status, troubled, action, retryAt } = useConnectionStatus(source);
  const { title, detail } = connectionWords(status, (source.getSnapshot() as Partial<CombinedState>).parts);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (!troubled) dialog.current?.close();
  }, [troubled]);
  const ask = () => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLInputElement>("input[type=password]")?.focus(); // The email is there already.
  };
  return (
    <>
      <div role="status" className={styles.slot} data-testid="connection-status" data-status={status}>
        {troubled && (
          <div className={styles.bar} data-status={status}>
            <span className={styles.sign}><Icon name={ICONS[status] ?? "plug"} size={20} /></span>
            <div className={styles.words}>
              <p className={styles.title}>{title}</p>
              <p className={styles.detail}>{detail}</p>
            </div>
            <div className={styles.actions}>
              {action === "retry" && retryAt !== undefined && <Countdown retryAt={retryAt} />}
              {action === "retry" && status !== "closed" && <Button data-testid="retry-now" onClick={() => source.reconnect?.()}>Retry now</Button>}
              {action === "log-in" && <Button look="primary" data-testid="log-in-again" onClick={ask}>Log in again</Button>}
              {status === "closed" && <Button data-testid="turn-on" onClick={() => provider.connect()}>Turn on</Button>}
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
  const seconds = useCountdown(retryAt);
  return <span className={styles.countdown} aria-hidden="true" data-testid="retry-countdown">{seconds === null ? "Trying now…" : `Next try in ${seconds} s`}</span>;
}
