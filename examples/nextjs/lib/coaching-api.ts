// The coaching server's routes as calls, one per route.
import { call, type Answer } from "./api";
import type { Action, Agreement, Goal, GoalLink, Note, Organization, PersonPresence, Priority, Relationship, Session, Topic, TopicStatus, User } from "./entities";
import type { LoadedPage } from "./session-page";

type Sent<T> = Promise<T | null>;

export function currentUser(signal?: AbortSignal): Promise<Answer<User>> {
  return call<User>("/users/me", { signal });
}

export async function logIn(email: string, password: string): Promise<User> {
  return (await call<User>("/login", { method: "POST", body: new URLSearchParams({ email, password }) })).data;
}

export class CoachingApi {
  readonly #headers: Readonly<Record<string, string>>;

  /** `origin` is the event provider's: it lets the provider know the events that these requests cause. */
  constructor(origin: string) {
    this.#headers = { "x-tidings-origin": origin };
  }

  async logOut(): Promise<void> {
    await this.#send("DELETE", "/delete", crypto.randomUUID());
  }

  async relationships(userId: string, signal?: AbortSignal): Promise<Answer<Relationship[]>> {
    const organizations = await this.#load<Organization[]>(`/users/${userId}/organizations`, signal);
    const lists = await Promise.all(organizations.data.map(({ id }) => this.#load<Relationship[]>(`/organizations/${id}/coaching_relationships`, signal)));
    return { data: lists.flatMap(({ data }) => data), cursor: organizations.cursor };
  }

  async sessions(relationshipId: string, signal?: AbortSignal): Promise<Session[]> {
    const query = new URLSearchParams({ coaching_relationship_id: relationshipId, from_date: "2000-01-01", to_date: "2100-01-01" });
    return (await this.#load<Session[]>(`/coaching_sessions?${query}`, signal)).data;
  }

  async session(id: string, signal?: AbortSignal): Promise<Session> {
    return (await this.#load<Session>(`/coaching_sessions/${id}`, signal)).data;
  }

  async topics(sessionId: string, signal?: AbortSignal): Promise<Topic[]> {
    return (await this.#load<Topic[]>(`/coaching_sessions/${sessionId}/topics`, signal)).data;
  }

  async presence(relationshipId: string, signal?: AbortSignal): Promise<PersonPresence[]> {
    return (await this.#load<PersonPresence[]>(`/presence?coaching_relationship_id=${relationshipId}`, signal)).data;
  }

  /** Everything on a session page. The session is read first, and its cursor is older than all that is read after it. */
  async sessionPage(id: string, signal?: AbortSignal): Promise<Answer<LoadedPage>> {
    const { data: session, cursor } = await this.#load<Session>(`/coaching_sessions/${id}`, signal);
    const relationshipId = session.coaching_relationship_id;
    const [actions, agreements, goals, linked, notes, topics, presence] = await Promise.all([
      this.#load<Action[]>(`/actions?coaching_session_id=${id}`, signal),
      this.#load<Agreement[]>(`/agreements?coaching_session_id=${id}`, signal),
      this.#load<Goal[]>(`/goals?coaching_relationship_id=${relationshipId}`, signal),
      this.#load<string[]>(`/coaching_sessions/${id}/goals`, signal),
      this.#load<Note[]>(`/notes?coaching_session_id=${id}`, signal),
      this.topics(id, signal),
      this.presence(relationshipId, signal),
    ]);
    const links = linked.data.map((goalId) => ({ id: goalId }));
    return { data: { session, actions: actions.data, agreements: agreements.data, goals: goals.data, links, notes: notes.data, topics, presence }, cursor };
  }

  async createSession(relationshipId: string, date: string): Promise<Session> {
    return (await call<Session>("/coaching_sessions", { method: "POST", body: { coaching_relationship_id: relationshipId, date } }, this.#headers)).data;
  }

  saveTitle(session: Session, correlationId: string): Sent<Session> {
    return this.#send("PATCH", `/coaching_sessions/${session.id}/title`, correlationId, { title: session.title, updated_at: session.updated_at });
  }

  createAction({ coaching_session_id, body, status }: Action, correlationId: string): Sent<Action> {
    return this.#send("POST", "/actions", correlationId, { coaching_session_id, body, status });
  }

  saveAction({ id, coaching_session_id, body, status, updated_at }: Action, correlationId: string): Sent<Action> {
    return this.#send("PUT", `/actions/${id}`, correlationId, { coaching_session_id, body, status, updated_at });
  }

  createAgreement({ coaching_session_id, body }: Agreement, correlationId: string): Sent<Agreement> {
    return this.#send("POST", "/agreements", correlationId, { coaching_session_id, body });
  }

  saveAgreement({ id, coaching_session_id, body, updated_at }: Agreement, correlationId: string): Sent<Agreement> {
    return this.#send("PUT", `/agreements/${id}`, correlationId, { coaching_session_id, body, updated_at });
  }

  createGoal({ coaching_relationship_id, title, body, status }: Goal, correlationId: string): Sent<Goal> {
    return this.#send("POST", "/goals", correlationId, { coaching_relationship_id, title, body, status });
  }

  saveGoal({ id, coaching_relationship_id, title, body, status, updated_at }: Goal, correlationId: string): Sent<Goal> {
    return this.#send("PUT", `/goals/${id}`, correlationId, { coaching_relationship_id, title, body, status, updated_at });
  }

  createNote({ coaching_session_id, body }: Note, correlationId: string): Sent<Note> {
    return this.#send("POST", "/notes", correlationId, { coaching_session_id, body });
  }

  saveNote({ id, coaching_session_id, body, updated_at }: Note, correlationId: string): Sent<Note> {
    return this.#send("PUT", `/notes/${id}`, correlationId, { coaching_session_id, body, updated_at });
  }

  /** The port of the server of shared notes, on this page's host; null where there is none. */
  async sharedNotesPort(signal?: AbortSignal): Promise<number | null> {
    return (await this.#load<{ port: number | null }>("/notes/shared", signal)).data.port;
  }

  createTopic({ coaching_session_id, body }: Topic, correlationId: string): Sent<Topic> {
    return this.#send("POST", `/coaching_sessions/${coaching_session_id}/topics`, correlationId, { body });
  }

  saveTopic({ id, coaching_session_id, body, updated_at }: Topic, correlationId: string): Sent<Topic> {
    return this.#send("PUT", `/coaching_sessions/${coaching_session_id}/topics/${id}`, correlationId, { body, updated_at });
  }

  rateTopic({ id, coaching_session_id }: Topic, priority: Priority, correlationId: string): Sent<Topic> {
    return this.#send("PATCH", `/coaching_sessions/${coaching_session_id}/topics/${id}/rating`, correlationId, { priority });
  }

  moveTopic({ id, coaching_session_id }: Topic, status: TopicStatus, correlationId: string): Sent<Topic> {
    return this.#send("PATCH", `/coaching_sessions/${coaching_session_id}/topics/${id}/status`, correlationId, { status });
  }

  async deleteTopic({ id, coaching_session_id }: Topic, correlationId: string): Sent<never> {
    await this.#send("DELETE", `/coaching_sessions/${coaching_session_id}/topics/${id}`, correlationId);
    return null;
  }

  async deleteOne(kind: "actions" | "agreements" | "goals", id: string, correlationId: string): Sent<never> {
    await this.#send("DELETE", `/${kind}/${id}`, correlationId);
    return null;
  }

  async linkGoal(sessionId: string, goalId: string, correlationId: string): Promise<GoalLink> {
    await this.#send("POST", `/coaching_sessions/${sessionId}/goals/${goalId}`, correlationId);
    return { id: goalId };
  }

  async unlinkGoal(sessionId: string, goalId: string, correlationId: string): Sent<never> {
    await this.#send("DELETE", `/coaching_sessions/${sessionId}/goals/${goalId}`, correlationId);
    return null;
  }

  async endSessionsOf(userId: string): Promise<void> {
    await this.#send("POST", `/admin/force_logout/${userId}`, crypto.randomUUID());
  }

  #load<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
    return call<T>(path, { signal }, this.#headers);
  }

  async #send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, correlationId: string, body?: object): Promise<T | null> {
    const { data } = await call<T | null>(path, { method, body, correlationId }, this.#headers);
    return data ?? null;
  }
}
