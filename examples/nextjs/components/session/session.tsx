"use client";
// The session page.
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";
import { ApiFailure } from "@/lib/api";
import { rows } from "@/lib/collection";
import { partnerOf, type Relationship } from "@/lib/entities";
import { longDate } from "@/lib/format";
import { shownPresence } from "@/lib/presence";
import { useApp } from "@/components/shell/app-context";
import { Blank } from "@/components/ui/blank";
import { Button } from "@/components/ui/button";
import { Icon } from "@/components/ui/icons";
import { Splash } from "@/components/ui/splash";
import { Actions, Agreements, Goals, Topics } from "./lists";
import { Media } from "./media";
import { Notes } from "./notes";
import { Partner } from "./partner";
import { Title } from "./title";
import { useSessionPage } from "./use-session-page";
import styles from "./session.module.css";

export function SessionRoute() {
  const id = useSearchParams().get("id");
  const { firstCursor } = useApp();
  useEffect(() => {
    if (!id) firstCursor.offer(null);
  }, [id, firstCursor]);
  if (!id) return <Blank icon="calendar" title="No session chosen" text="Choose one from the list of your sessions." action={<BackLink />} />;
  return <SessionView key={id} id={id} />;
}

function SessionView({ id }: { id: string }) {
  const live = useSessionPage(id);
  const { me, api } = useApp();
  const { page, load, save } = live;
  const relationship = useRelationship(page.relationshipId);
  const row = rows(page.pieces.sessions)[0];
  const [writers, setWriters] = useState<readonly string[]>([]);

  useEffect(() => {
    if (row) document.title = `${row.entity.title || "Untitled session"} · Tidings Coaching`;
  }, [row]);

  if (page.lost !== null) return <NoAccess reason={page.lost} />;
  if (load.state instanceof ApiFailure) return <Refused failure={load.state} onRetry={load.retry} />;
  if (load.state === "loading" || !row) return <Splash label="Loading the session" />;

  const partner = relationship && partnerOf(relationship, me);
  const authorOf = ({ user_id }: { user_id: string }) => (user_id === me.id ? "You" : user_id === partner?.id ? partner.name : partner === undefined ? "\u00a0" : "");
  return (
    <div className={styles.page} data-testid="session">
      <Link href="/" className={styles.back}><Icon name="back" size={16} /> All sessions</Link>
      <div className={styles.top}>
        <div className={styles.heading}>
          <Title row={row} onSave={(session) => save.put("sessions", session, (correlationId) => api.saveTitle(session, correlationId))} />
          <p className={styles.date}><Icon name="calendar" size={16} /> {longDate(row.entity.date)}</p>
        </div>
        {partner && <Partner partner={partner} presence={shownPresence(page.presence[partner.id], writers.includes(partner.id))} />}
        {partner === undefined && <div className={`${styles.partner} ${styles.coming}`} aria-hidden="true" />}
      </div>
      <div className={styles.columns}>
        <div className={styles.column}>
          <Topics live={live} authorOf={authorOf} />
          <Actions live={live} authorOf={authorOf} />
          <Notes live={live} authorOf={authorOf} onWriters={setWriters} />
        </div>
        <div className={styles.column}>
          <Goals live={live} />
          <Agreements live={live} authorOf={authorOf} />
          <Media media={page.media} />
        </div>
      </div>
    </div>
  );
}

/** Who coaches whom does not change while a session is open: read once. Until then undefined, and its place is kept free. */
function useRelationship(id: string | null): Relationship | null | undefined {
  const { me, api } = useApp();
  const [relationship, setRelationship] = useState<Relationship | null>();
  useEffect(() => {
    if (id === null) return;
    const abort = new AbortController();
    api.relationships(me.id, abort.signal).then(
      ({ data }) => setRelationship(data.find((one) => one.id === id) ?? null),
      () => abort.signal.aborted || setRelationship(null), // The page is whole without the partner's name.
    );
    return () => abort.abort();
  }, [id, me.id, api]);
  return relationship;
}

function Refused({ failure, onRetry }: { failure: ApiFailure; onRetry: () => void }) {
  if (failure.code === "not_found") return <NoAccess reason="It was deleted, or it is between other people." />;
  if (failure.code === "permission_lost") return <NoAccess reason={failure.message} />;
  return <Blank testId="load-failed" icon="cloudOff" title="The session could not be loaded" text={failure.message} action={<Button look="primary" data-testid="try-again" onClick={onRetry}>Try again</Button>} />;
}

function NoAccess({ reason }: { reason: string }) {
  return <Blank testId="no-access" icon="lock" title="You cannot see this session" text={reason} action={<BackLink />} />;
}

function BackLink() {
  return <Link href="/">All sessions</Link>;
}
