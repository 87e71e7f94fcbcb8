// What the pages show: the entities of the event contract, and those that only REST carries.
import type { Action, Agreement, ApplicationError, Events, Goal, Note, Presence, Topic } from "@tidings/coaching-events";

export type { Action, Agreement, ApplicationError, Goal, Note, Presence, Topic };
export type Status = Action["status"];
export type Priority = NonNullable<Topic["priority"]>;

/** An event as `onAny` hands it over, without what the reducers do not need. */
export type PageEvent = { [K in keyof Events & string]: { readonly type: K; readonly data: Events[K] } }[keyof Events & string];

export type Role = "coach" | "coachee" | "admin";
export type TopicStatus = Topic["status"];

export interface User {
  readonly id: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly email: string;
  readonly role: Role;
}

export interface Organization {
  readonly id: string;
  readonly name: string;
}

export interface Relationship {
  readonly id: string;
  readonly coach_id: string;
  readonly coachee_id: string;
  readonly coach_name: string;
  readonly coachee_name: string;
}

export interface Session {
  readonly id: string;
  readonly coaching_relationship_id: string;
  readonly date: string;
  readonly title?: string | null;
  readonly updated_at?: string;
}

/** Whether a person is there, as REST says it. */
export interface PersonPresence {
  readonly user_id: string;
  readonly presence: Presence;
}

/** The same, to be looked up. */
export function byPerson(presence: readonly PersonPresence[]): Readonly<Record<string, Presence>> {
  return Object.fromEntries(presence.map((one) => [one.user_id, one.presence]));
}

/** A goal's link to the session; its id is the goal's. */
export interface GoalLink {
  readonly id: string;
}

/** The other person of a relationship, seen from `me`. */
export function partnerOf(relationship: Relationship, me: User): { id: string; name: string } {
  return me.id === relationship.coach_id
    ? { id: relationship.coachee_id, name: relationship.coachee_name }
    : { id: relationship.coach_id, name: relationship.coach_name };
}
