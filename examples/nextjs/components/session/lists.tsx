"use client";
// The lists of a session page: topics, actions, agreements, and the relationship's goals.
import { rows } from "@/lib/collection";
import type { Action, Agreement, Goal, Priority, Topic } from "@/lib/entities";
import { useApp } from "@/components/shell/app-context";
import { Icon } from "@/components/ui/icons";
import { Entry } from "./entry";
import { AddForm, Section } from "./section";
import { StatusSelect } from "./status-select";
import type { LivePage } from "./use-session-page";
import chips from "./chips.module.css";

export interface ListProps {
  readonly live: LivePage;
  /** Who wrote something, in words; empty for what is not worth saying. */
  readonly authorOf: (entity: { user_id: string }) => string;
}

const PRIORITIES: readonly Priority[] = ["Low", "Medium", "High"];

/** What a new entity carries until the server has named it. */
export function unnamed(userId: string) {
  const now = new Date().toISOString();
  return { id: `new-${crypto.randomUUID()}`, user_id: userId, created_at: now, updated_at: now };
}

export function Topics({ live: { page, save }, authorOf }: ListProps) {
  const { api, me } = useApp();
  const topics = rows(page.pieces.topics);
  const rate = (topic: Topic, priority: Priority) => save.put("topics", { ...topic, priority }, (id) => api.rateTopic(topic, priority, id));
  const move = (topic: Topic) => {
    const status = topic.status === "Open" ? "Discussed" : "Open";
    return save.put("topics", { ...topic, status }, (id) => api.moveTopic(topic, status, id));
  };
  const add = (body: string) => {
    const topic: Topic = { ...unnamed(me.id), coaching_session_id: page.sessionId, body, priority: null, status: "Open" };
    return save.put("topics", topic, (id) => api.createTopic(topic, id));
  };
  return (
    <Section title="Topics" icon="text" count={topics.length} hint="What do you want to talk about?" testId="topics" add={<AddForm noun="topic" placeholder="Add a topic" onAdd={add} />}>
      <ul>
        {topics.map((row) => (
          <Entry key={row.entity.id} row={row} noun="topic" author={authorOf(row.entity)} done={row.entity.status === "Discussed"} textOf={(topic) => topic.body} withText={(topic, body) => ({ ...topic, body })}
            onSave={(topic) => save.put("topics", topic, (id) => api.saveTopic(topic, id))}
            onRemove={(topic) => void save.remove("topics", topic.id, (id) => api.deleteTopic(topic, id))}
            lead={<Tick pressed={row.entity.status === "Discussed"} label={`Discussed: ${row.entity.body}`} testId="topic-status" onPress={() => row.saving || void move(row.entity)} />}>
            {me.role === "coachee"
              ? <Rating topic={row.entity} onRate={(priority) => row.saving || void rate(row.entity, priority)} />
              : row.entity.priority && <span className={chips.chip} data-value={row.entity.priority} data-testid="topic-priority">{row.entity.priority} priority</span>}
          </Entry>
        ))}
      </ul>
    </Section>
  );
}

function Rating({ topic, onRate }: { topic: Topic; onRate: (priority: Priority) => void }) {
  return (
    <div className={chips.rating} role="group" aria-label={`Priority of ${topic.body}`} data-testid="topic-rating">
      {PRIORITIES.map((priority) => <button key={priority} type="button" aria-pressed={topic.priority === priority} data-testid={`rate-${priority.toLowerCase()}`} onClick={() => onRate(priority)}>{priority}</button>)}
    </div>
  );
}

export function Actions({ live: { page, save }, authorOf }: ListProps) {
  const { api, me } = useApp();
  const actions = rows(page.pieces.actions);
  const put = (action: Action) => save.put("actions", action, (id) => api.saveAction(action, id));
  const add = (body: string) => {
    const base = unnamed(me.id);
    const action: Action = { ...base, coaching_session_id: page.sessionId, body, status: "NotStarted", status_changed_at: base.created_at, assignee_ids: [] };
    return save.put("actions", action, (id) => api.createAction(action, id));
  };
  return (
    <Section title="Actions" icon="check" count={actions.length} hint="What will be done until next time?" testId="actions" add={<AddForm noun="action" placeholder="Add an action" onAdd={add} />}>
      <ul>
        {actions.map((row) => {
          const done = row.entity.status === "Completed";
          return (
            <Entry key={row.entity.id} row={row} noun="action" author={authorOf(row.entity)} done={done || row.entity.status === "WontDo"} textOf={(action) => action.body ?? ""} withText={(action, body) => ({ ...action, body })} onSave={put}
              onRemove={(action) => void save.remove("actions", action.id, (id) => api.deleteOne("actions", action.id, id))}
              lead={<Tick pressed={done} label={`Completed: ${row.entity.body ?? ""}`} testId="action-done" onPress={() => row.saving || void put({ ...row.entity, status: done ? "InProgress" : "Completed" })} />}>
              <StatusSelect status={row.entity.status} label={`Status of ${row.entity.body ?? "the action"}`} testId="action-status" onChoose={(status) => row.saving || void put({ ...row.entity, status })} />
            </Entry>
          );
        })}
      </ul>
    </Section>
  );
}

export function Agreements({ live: { page, save }, authorOf }: ListProps) {
  const { api, me } = useApp();
  const agreements = rows(page.pieces.agreements);
  const add = (body: string) => {
    const agreement: Agreement = { ...unnamed(me.id), coaching_session_id: page.sessionId, body };
    return save.put("agreements", agreement, (id) => api.createAgreement(agreement, id));
  };
  return (
    <Section title="Agreements" icon="agree" count={agreements.length} hint="What do you agree on?" testId="agreements" add={<AddForm noun="agreement" placeholder="Add an agreement" onAdd={add} />}>
      <ul>
        {agreements.map((row) => (
          <Entry key={row.entity.id} row={row} noun="agreement" author={authorOf(row.entity)} textOf={(agreement) => agreement.body ?? ""} withText={(agreement, body) => ({ ...agreement, body })}
            onSave={(agreement) => save.put("agreements", agreement, (id) => api.saveAgreement(agreement, id))}
            onRemove={(agreement) => void save.remove("agreements", agreement.id, (id) => api.deleteOne("agreements", agreement.id, id))} />
        ))}
      </ul>
    </Section>
  );
}

export function Goals({ live: { page, save } }: { live: LivePage }) {
  const { api, me } = useApp();
  const goals = rows(page.pieces.goals);
  const linked = new Map(rows(page.pieces.links).map((row) => [row.entity.id, row]));
  const put = (goal: Goal) => save.put("goals", goal, (id) => api.saveGoal(goal, id));
  const toggle = (goal: Goal) => linked.has(goal.id)
    ? save.remove("links", goal.id, (id) => api.unlinkGoal(page.sessionId, goal.id, id))
    : save.put("links", { id: goal.id }, (id) => api.linkGoal(page.sessionId, goal.id, id));
  const isSaving = (goal: Goal) => page.pieces.links.pending.some((change) => (change.kind === "put" ? change.entity.id : change.entityId) === goal.id);
  const add = (title: string) => {
    const goal: Goal = { ...unnamed(me.id), coaching_relationship_id: page.relationshipId ?? "", title, body: null, status: "NotStarted" } as Goal;
    return save.put("goals", goal, (id) => api.createGoal(goal, id));
  };
  return (
    <Section title="Goals" icon="target" count={goals.length} hint="Where is this going?" testId="goals" add={<AddForm noun="goal" placeholder="Add a goal" onAdd={add} />}>
      <ul>
        {goals.map((row) => {
          const { entity: goal, saving } = row;
          return (
            <Entry key={goal.id} row={row} noun="goal" done={goal.status === "Completed" || goal.status === "WontDo"} textOf={({ title }) => title ?? ""} withText={(edited, title) => ({ ...edited, title })} onSave={put}
              onRemove={(removed) => void save.remove("goals", removed.id, (id) => api.deleteOne("goals", removed.id, id))}>
              <StatusSelect status={goal.status} label={`Status of ${goal.title ?? "the goal"}`} testId="goal-status" onChoose={(status) => saving || void put({ ...goal, status })} />
              <button type="button" className={chips.switch} aria-pressed={linked.has(goal.id)} aria-label={`In this session: ${goal.title ?? ""}`} data-testid="goal-link" onClick={() => saving || isSaving(goal) || void toggle(goal)}>
                <Icon name={linked.has(goal.id) ? "check" : "plus"} size={14} /> In this session
              </button>
            </Entry>
          );
        })}
      </ul>
    </Section>
  );
}

function Tick({ pressed, label, testId, onPress }: { pressed: boolean; label: string; testId: string; onPress: () => void }) {
  return <button type="button" className={chips.tick} aria-pressed={pressed} aria-label={label} data-testid={testId} onClick={onPress}><Icon name="check" size={14} /></button>;
}
