"use client";
/**
 * The connection state as a page shows it: selected, and with a short outage hidden for a grace period.
 *
 * Only `reconnecting`, `offline` and an editor's `editing-offline` are hidden, from the outage's `since` on and
 * whatever name it takes meanwhile. Bad news that stays (`long-broken`, `unauthorized`, `closed`) and good news show at once.
 */
import { useMemo, useSyncExternalStore } from "react";
import type { BackendEventProviderInstance, ConnectionState, Unsubscribe } from "../types.js";

type Store = Pick<BackendEventProviderInstance<object>, "subscribe" | "getSnapshot" | "getServerSnapshot">;
type ShortOutage = Extract<ConnectionState, { status: "reconnecting" | "offline" }>;

/** The last is one of combined states, which are shown through here too. */
const SHORT_OUTAGES: readonly string[] = ["reconnecting", "offline", "editing-offline"];

/** What each provider's state was before its present outage. */
const calm = new WeakMap<Store, ConnectionState>();

/** Notes the states between outages, so that a component mounted during one knows what came before. */
export function watchCalm(store: Store): Unsubscribe {
  const note = (): void => {
    const now = store.getSnapshot();
    if (!isShortOutage(now)) calm.set(store, now);
  };
  note();
  return store.subscribe(note);
}

/** The selected state; the component renders again only when the selection changed by `Object.is`. */
export function useStateView<T>(store: Store, select: (s: ConnectionState) => T, graceMs: number): T {
  const view = useMemo(() => (graceMs > 0 ? graceView(store, graceMs) : store), [store, graceMs]);
  const getSnapshot = useMemo(() => memoized(view.getSnapshot, select), [view, select]);
  const getServerSnapshot = useMemo(() => memoized(view.getServerSnapshot, select), [view, select]);
  return useSyncExternalStore(view.subscribe, getSnapshot, getServerSnapshot);
}

/** One selection per state: a selector that makes a new object each time would else never come to rest. */
function memoized<T>(read: () => ConnectionState, select: (s: ConnectionState) => T): () => T {
  let last: { state: ConnectionState; selected: T } | null = null;
  return () => {
    const state = read();
    if (last === null || last.state !== state) last = { state, selected: select(state) };
    return last.selected;
  };
}

function graceView(store: Store, graceMs: number): Store {
  let seen: ConnectionState | null = null;
  let shown: ConnectionState = store.getServerSnapshot();
  /** `since` of the outage whose grace is over, whatever the wall clock is set to later. */
  let over: number | null = null;

  const show = (state: ConnectionState): ConnectionState => {
    if (!isShortOutage(state) || state.since === over) return state;
    return graceLeft(state, graceMs) > 0 ? before(store, state) : state;
  };
  const getSnapshot = (): ConnectionState => {
    const now = store.getSnapshot();
    if (now !== seen) {
      seen = now;
      if (!isShortOutage(now)) calm.set(store, now);
      shown = show(now);
    }
    return shown;
  };
  const subscribe = (onChange: () => void): Unsubscribe => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const arm = (): void => {
      clearTimeout(timer);
      const now = store.getSnapshot();
      if (!isShortOutage(now) || getSnapshot() === now) return;
      timer = setTimeout(() => {
        over = now.since;
        seen = null;
        onChange();
      }, graceLeft(now, graceMs));
    };
    const unsubscribe = store.subscribe(() => {
      arm();
      onChange();
    });
    arm();
    return () => {
      clearTimeout(timer);
      unsubscribe();
    };
  };
  return { subscribe, getSnapshot, getServerSnapshot: store.getServerSnapshot };
}

function isShortOutage(state: ConnectionState): state is ShortOutage {
  return SHORT_OUTAGES.includes(state.status);
}

function graceLeft(outage: ShortOutage, graceMs: number): number {
  return Math.min(Math.max(outage.since + graceMs - Date.now(), 0), graceMs);
}

/** A provider handed over in the middle of an outage has no calm state: it is on its way as far as anybody knows. */
function before(store: Store, outage: ShortOutage): ConnectionState {
  const known = calm.get(store);
  if (known !== undefined) return known;
  const connecting: ConnectionState = { status: "connecting", since: outage.since };
  calm.set(store, connecting);
  return connecting;
}
