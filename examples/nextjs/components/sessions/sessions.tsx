"use client";
// All sessions of one coaching relationship, and the way to plan a new one.
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useRef, useState, type FormEvent } from "react";
import { ApiFailure } from "@/lib/api";
import { partnerOf, type Session } from "@/lib/entities";
import { longDate } from "@/lib/format";
import { failureToast } from "@/lib/failure-toast";
import { useApp } from "@/components/shell/app-context";
import { Blank } from "@/components/ui/blank";
import { Button } from "@/components/ui/button";
import { Icon } from "@/components/ui/icons";
import { Person } from "@/components/ui/person";
import { Splash } from "@/components/ui/splash";
import { useToast } from "@/components/ui/toasts";
import field from "@/components/ui/field.module.css";
import { useSessionList } from "./use-session-list";
import styles from "./sessions.module.css";

export function Sessions() {
  const { me } = useApp();
  const { list, load, choose, create } = useSessionList();
  if (load.state instanceof ApiFailure) {
    return <Blank testId="load-failed" icon="cloudOff" title="Your sessions could not be loaded" text={load.state.message} action={<Button look="primary" data-testid="try-again" onClick={() => load.retry()}>Try again</Button>} />;
  }
  if (load.state === "loading" && list.relationshipId === null) return <Splash label="Loading your sessions" />;
  const relationship = list.relationships.find(({ id }) => id === list.relationshipId);
  if (!relationship) return <Blank icon="calendar" title="No coaching yet" text="When somebody coaches you, or you coach somebody, your sessions appear here." />;

  const partner = partnerOf(relationship, me);
  const sessions = [...list.sessions.confirmed.values()].sort((a, b) => Date.parse(b.date) - Date.parse(a.date));
  const now = Date.now();
  const coming = sessions.filter(({ date }) => Date.parse(date) >= now).reverse();
  const past = sessions.filter(({ date }) => Date.parse(date) < now);
  return (
    <div className={styles.page} data-testid="sessions">
      <div className={styles.top}>
        <div>
          <h1>Your sessions</h1>
          <p className={styles.lead}>What you prepare here, both of you see as it happens.</p>
        </div>
        <NewSession create={create} />
      </div>
      <div className={styles.with}>
        <Person name={partner.name} presence={list.presence[partner.id] ?? "offline"} />
        {list.relationships.length > 1 && (
          <label className={styles.pick}>
            <span>Sessions with</span>
            <select className={field.input} value={relationship.id} data-testid="relationship" onChange={(event) => choose(event.target.value)}>
              {list.relationships.map((one) => <option key={one.id} value={one.id}>{partnerOf(one, me).name}</option>)}
            </select>
          </label>
        )}
      </div>
      {sessions.length === 0 && <p className={styles.none}>No sessions yet. Plan the first one.</p>}
      {coming.length > 0 && <SessionGroup title="Coming up" sessions={coming} />}
      {past.length > 0 && <SessionGroup title="Past" sessions={past} />}
    </div>
  );
}

function SessionGroup({ title, sessions }: { title: string; sessions: readonly Session[] }) {
  return (
    <section className={styles.group}>
      <h2>{title}</h2>
      <ul>
        {sessions.map((session) => (
          <li key={session.id}>
            <Link href={`/session?id=${session.id}`} className={styles.card} data-testid="session-link" data-id={session.id}>
              <time className={styles.day} dateTime={session.date}>
                <span>{new Intl.DateTimeFormat(undefined, { month: "short" }).format(new Date(session.date))}</span>
                <strong>{new Date(session.date).getDate()}</strong>
              </time>
              <span className={styles.what}>
                <span className={styles.title}>{session.title || "Untitled session"}</span>
                <span className={styles.when}>{longDate(session.date)}</span>
              </span>
              <Icon name="next" />
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function NewSession({ create }: { create: (date: string) => Promise<Session | null> }) {
  const router = useRouter();
  const toast = useToast();
  const dialog = useRef<HTMLDialogElement>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const date = new Date(String(new FormData(event.currentTarget).get("date")));
    setBusy(true);
    try {
      const session = await create(date.toISOString());
      dialog.current?.close();
      if (session) router.push(`/session?id=${session.id}`);
    } catch (failure) {
      if (failure instanceof ApiFailure) toast(failureToast(failure));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      <Button look="primary" data-testid="new-session" onClick={() => dialog.current?.showModal()}><Icon name="plus" /> New session</Button>
      <dialog ref={dialog} className={styles.dialog} aria-labelledby="new-session-title">
        <h2 id="new-session-title">Plan a session</h2>
        <form onSubmit={(event) => void submit(event)}>
          <label className={field.field}>
            Date and time
            <input className={field.input} type="datetime-local" name="date" required defaultValue={nextFullHour()} data-testid="new-session-date" />
          </label>
          <div className={styles.choices}>
            <Button onClick={() => dialog.current?.close()}>Cancel</Button>
            <Button look="primary" type="submit" disabled={busy} data-testid="create-session">Create</Button>
          </div>
        </form>
      </dialog>
    </>
  );
}

/** In the form that `datetime-local` wants: local time without a zone. */
function nextFullHour(): string {
  const next = new Date();
  next.setHours(next.getHours() + 1, 0, 0, 0);
  return new Date(next.getTime() - next.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
