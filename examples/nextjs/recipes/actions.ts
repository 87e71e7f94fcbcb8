// What the recipes share: a list of actions, and what each event makes of it.
import type { Action, Events } from "@tidings/coaching-events";

export const ACTION_EVENTS = ["action_created", "action_updated", "action_deleted"] as const;
export type ActionEvent = { [K in (typeof ACTION_EVENTS)[number]]: { type: K; data: Events[K] } }[(typeof ACTION_EVENTS)[number]];
export type FetchActions = (session: string, signal: AbortSignal) => Promise<Action[]>;

/** The list after the event. A repeat changes nothing; a list that nobody has loaded stays unloaded. */
export function patched(list: Action[] | undefined, event: ActionEvent): Action[] | undefined {
  if (list === undefined) return undefined;
  if (event.type === "action_deleted") return list.filter(({ id }) => id !== event.data.action_id);
  const { action } = event.data;
  return list.some(({ id }) => id === action.id) ? list.map((one) => (one.id === action.id ? action : one)) : [...list, action];
}
