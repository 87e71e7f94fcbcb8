import type { EventMeta } from "./types.js";

/** What a handler is told beside the payload; `said` is the event's own `meta`, which nobody has checked. */
export function metaOf(
  type: string,
  said: unknown,
  id: string,
  replayed: boolean,
  relayed: boolean,
  origin: string,
  receivedAt: number,
): EventMeta {
  const meta = (said ?? {}) as Record<string, unknown>;
  const text = (value: unknown): string | null => (typeof value === "string" ? value : null);
  return {
    type,
    id: id || null,
    replayed,
    via: relayed ? "tab" : "network",
    receivedAt,
    sentAt: text(meta.at),
    correlationId: text(meta.correlation_id),
    own: meta.origin === origin,
  };
}
