/** What the examples take as the app's own. */
declare function show(entity: { id: string }): void;
declare function refetch(reason?: unknown, o?: unknown): Promise<void>;
declare const api: {
  actions(session: string, signal: AbortSignal): Promise<import("@tidings/coaching-events").Action[]>;
  token(o: { renew: boolean; signal: AbortSignal }): Promise<string | null>;
};
/** An editor's connection, such as a `HocuspocusProvider`. */
declare const editorConnection: {
  readonly status: string;
  readonly hasUnsyncedChanges: boolean;
  on(event: string, handler: (data: { status: string }) => void): void;
  off(event: string, handler: (data: { status: string }) => void): void;
};
