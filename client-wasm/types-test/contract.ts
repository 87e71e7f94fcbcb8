/** A contract as `cargo xtask bindings` writes one, and the map made of it. */
import type { EventMapOf } from "../js/types.js";

export enum EventType {
  "ActionCreated" = "action_created",
  "ActionDeleted" = "action_deleted",
  "ApplicationError" = "application_error",
}

export type Action = { id: string; body: string | null };
export type ApplicationError = { code: "save_failed" | "conflict"; message: string; retryable: boolean };

export type Event =
  | { type: "action_created"; data: { coaching_session_id: string; action: Action } }
  | { type: "action_deleted"; data: { coaching_session_id: string; action_id: string } }
  | { type: "application_error"; data: ApplicationError };

export type Events = EventMapOf<Event>;

/** What people write by hand: an interface has no index signature. */
export interface HandWritten {
  saved: { at: string };
  failed: { why: string };
}
