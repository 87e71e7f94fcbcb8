"use client";
// The page's connections as one: the event stream always, and the shared notes while they are open.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { combineConnectionStates, type CombinedStates, type StatusEmitter } from "@tidings/client/combine";
import type { StatusSource } from "@tidings/client/react/status";
import { useBackendEventProvider } from "@tidings/coaching-events/react";

/** A connection beside the event stream, and how it is made to try again now. */
export interface Attached {
  readonly emitter: StatusEmitter;
  readonly reconnect: () => void;
}

export interface Connections {
  readonly source: StatusSource;
  /** Returns what takes it off again. */
  readonly attach: (name: string, connection: Attached) => () => void;
}

const Context = createContext<Connections | null>(null);

export function ConnectionsProvider({ children }: { children: ReactNode }) {
  const provider = useBackendEventProvider();
  const [attached, setAttached] = useState<Readonly<Record<string, Attached>>>({});
  const [states, setStates] = useState<CombinedStates | null>(null);

  useEffect(() => {
    const emitters = Object.fromEntries(Object.entries(attached).map(([name, { emitter }]) => [name, emitter]));
    const combined = combineConnectionStates({ events: provider, ...emitters });
    setStates(combined);
    return combined.destroy;
  }, [provider, attached]);

  const attach = useCallback<Connections["attach"]>((name, connection) => {
    setAttached((before) => ({ ...before, [name]: connection }));
    return () => setAttached(({ [name]: gone, ...rest }) => (gone === connection ? rest : { ...rest, ...(gone && { [name]: gone }) }));
  }, []);

  const connections = useMemo<Connections>(() => {
    const shown: StatusSource = states ?? provider;
    const reconnect = () => {
      provider.reconnect();
      for (const connection of Object.values(attached)) connection.reconnect();
    };
    return { source: { subscribe: shown.subscribe, getSnapshot: shown.getSnapshot, getServerSnapshot: shown.getServerSnapshot, reconnect }, attach };
  }, [states, provider, attached, attach]);
  return <Context.Provider value={connections}>{children}</Context.Provider>;
}

export function useConnections(): Connections {
  const connections = useContext(Context);
  if (connections === null) throw new Error("useConnections is for pages inside <ConnectionsProvider>");
  return connections;
}
