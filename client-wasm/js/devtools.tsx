"use client";
/** A panel for people who build a page: what comes, how the connection does, and how long it takes. */
import { useEffect, useId, useMemo, useState, useSyncExternalStore } from "react";
import type { CSSProperties, JSX } from "react";
import { COLOURS, STYLE } from "./devtools/style.js";
import { SeenLog, type Seen, type SeenEvent, type SeenState } from "./devtools/log.js";
import type { BackendEventProviderInstance } from "./types.js";

declare const process: { readonly env: { readonly NODE_ENV?: string } };

/** The props of the panel. */
export interface BackendEventDevtoolsProps {
  /** Whose events it shows. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  provider: BackendEventProviderInstance<any>;
  /** Whether it is open at first; default false. */
  initiallyOpen?: boolean;
  /** Of the page's Content-Security-Policy, for the one `<style>` element. */
  nonce?: string;
}

const NOTHING: Seen = { events: [], states: [], unseen: 0 };

/** The panel, whatever is built: for a page that shows it on demand. */
export function BackendEventDevtoolsPanel({
  provider,
  initiallyOpen = false,
  nonce,
}: BackendEventDevtoolsProps): JSX.Element {
  const log = useMemo(() => new SeenLog(provider as BackendEventProviderInstance<object>), [provider]);
  useEffect(() => log.start(), [log]);
  const seen = useSyncExternalStore(log.subscribe, log.getSnapshot, () => NOTHING);
  const [open, setOpen] = useState(initiallyOpen);
  const [paused, setPaused] = useState(false);
  const [filter, setFilter] = useState("");
  const now = useSeconds(open);
  const heading = useId();
  const { state, role, attempts, lastByteAt, handlers } = provider.inspect();
  const shown = seen.events.filter((event) => matches(event, filter));
  const pause = (): void => {
    log.pause(!paused);
    setPaused(!paused);
  };
  const dot = <span className="tidings-dev-dot" style={coloured(state.status)} aria-hidden="true" />;
  return (
    <aside className="tidings-dev" aria-labelledby={heading}>
      <style nonce={nonce}>{STYLE}</style>
      {!open ? (
        <button type="button" className="tidings-dev-toggle" aria-expanded="false" onClick={() => setOpen(true)}>
          {dot}
          <span id={heading}>Events: {state.status}</span>
        </button>
      ) : (
        <div className="tidings-dev-panel">
          <div className="tidings-dev-row">
            {dot}
            <strong id={heading}>
              {state.status}
              {state.status === "online" && `, ${role}`}
            </strong>
            <button type="button" onClick={() => provider.reconnect()}>
              Reconnect
            </button>
            <button type="button" aria-expanded="true" onClick={() => setOpen(false)}>
              Close
            </button>
          </div>
          <Timeline states={seen.states} now={now} />
          <dl>
            <dt>position</dt>
            <dd title={provider.lastEventId ?? ""}>{provider.lastEventId ?? "none"}</dd>
            <dt>requests</dt>
            <dd>{attempts}</dd>
            <dt>last byte</dt>
            <dd>{lastByteAt === null ? "none" : `${Math.max(0, Math.round((now - lastByteAt) / 1_000))} s ago`}</dd>
            <dt>handlers</dt>
            <dd title={JSON.stringify(handlers)}>{Object.values(handlers).reduce((sum, count) => sum + count, 0)}</dd>
          </dl>
          <div className="tidings-dev-row">
            <input
              type="search"
              aria-label="Filter events"
              placeholder="filter"
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
            <button type="button" aria-pressed={paused} onClick={pause}>
              {paused ? `Go on (${seen.unseen} more)` : "Pause"}
            </button>
            <button type="button" onClick={() => log.clear()}>
              Clear
            </button>
          </div>
          <ol aria-label="Events, the newest first">
            {shown.map((event) => (
              <Row key={event.number} event={event} />
            ))}
          </ol>
          {shown.length === 0 && <small>{seen.events.length === 0 ? "Nothing has come yet." : "Nothing fits the filter."}</small>}
        </div>
      )}
    </aside>
  );
}

/** The panel while the page is built for development, and nothing in production: bundlers then leave it out. */
export const BackendEventDevtools: (props: BackendEventDevtoolsProps) => JSX.Element | null =
  process.env.NODE_ENV === "production" ? () => null : BackendEventDevtoolsPanel;

function Row({ event: { type, data, meta, known } }: { event: SeenEvent }): JSX.Element {
  // Two clocks: what is less than nothing says that they differ.
  const took = meta.sentAt === null ? null : meta.receivedAt - Date.parse(meta.sentAt);
  const marks = [!known && "unknown", meta.replayed && "replayed", meta.own && "own", meta.via === "tab" && "tab"];
  return (
    <li>
      <details>
        <summary>
          <b>{type}</b>
          <small>{marks.filter(Boolean).join(" ")}</small>
          <small>{took === null ? "" : `${took} ms`}</small>
          <small>{new Date(meta.receivedAt).toLocaleTimeString()}</small>
        </summary>
        <pre>{JSON.stringify({ id: meta.id, correlationId: meta.correlationId, data }, null, 2)}</pre>
      </details>
    </li>
  );
}

function Timeline({ states, now }: { states: readonly SeenState[]; now: number }): JSX.Element {
  const label = states.map(({ state }) => state.status).join(", ");
  return (
    <div className="tidings-dev-strip" role="img" aria-label={`States so far: ${label}`}>
      {states.map(({ state, at }, place) => {
        const seconds = Math.max(0, ((states[place + 1]?.at ?? now) - at) / 1_000);
        const style = { ...coloured(state.status), flexGrow: 1 + Math.min(seconds, 600) };
        return <i key={place} style={style} title={`${state.status}, ${Math.round(seconds)} s`} />;
      })}
    </div>
  );
}

function coloured(status: string): CSSProperties {
  return { "--c": COLOURS[status] ?? COLOURS.idle } as CSSProperties;
}

function matches({ type, data }: SeenEvent, filter: string): boolean {
  const text = filter.trim().toLowerCase();
  return text === "" || `${type} ${JSON.stringify(data)}`.toLowerCase().includes(text);
}

/** The time, each second, while somebody looks. */
function useSeconds(looks: boolean): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (!looks) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [looks]);
  return now;
}
