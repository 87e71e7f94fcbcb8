// Whatever one of them changes, the other sees within a second, without a reload.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, screenshot } from "./support/browser.mjs";
import { Proxy } from "./support/proxy.mjs";
import { room } from "./support/room.mjs";

/** What "at once" means. */
const AT_ONCE = { timeout: 1_000 };

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("every kind of change is on the other's screen within a second", async (t) => {
  const { coach, coachee, asCoach, asCoachee, asAdmin, relationship, session } = await room(t, browser);
  const loads = [];
  coachee.on("framenavigated", (frame) => loads.push(frame.url()));
  const shows = (testId, text) => coachee.getByTestId(testId).filter({ hasText: text }).waitFor(AT_ONCE);
  const hides = (testId, text) => coachee.getByTestId(testId).filter({ hasText: text }).waitFor({ state: "detached", ...AT_ONCE });
  const inSession = { coaching_session_id: session.id };
  const about = { coaching_relationship_id: relationship.id, coaching_session_id: session.id };
  const announce = (event, audience) => asAdmin.call("POST", "/admin/events", { event, audience });

  await t.test("action created by hand", async () => {
    await coach.getByTestId("new-action").fill("Call the bank");
    await coach.getByTestId("add-action").click();
    await shows("action", "Call the bank");
    await coach.getByTestId("action").filter({ hasText: "Call the bank" }).waitFor(AT_ONCE);
    assert.equal(await coach.getByTestId("action").filter({ hasText: "Call the bank" }).count(), 1, "not twice at the one who made it");
  });

  let action;
  await t.test("action_created", async () => {
    action = await asCoach.call("POST", "/actions", { ...inSession, body: "Write it down", status: "NotStarted" });
    await shows("action", "Write it down");
  });
  await t.test("action_updated", async () => {
    await asCoach.call("PUT", `/actions/${action.id}`, { ...inSession, body: "Write it up", status: "Completed" });
    await shows("action", "Write it up");
    await coachee.locator(`[data-testid=action][data-id="${action.id}"][data-done=true]`).waitFor(AT_ONCE);
  });
  await t.test("action_deleted", async () => {
    await asCoach.call("DELETE", `/actions/${action.id}`);
    await hides("action", "Write it up");
  });
  await t.test("agreement_created, _updated, _deleted", async () => {
    const agreement = await asCoach.call("POST", "/agreements", { ...inSession, body: "Meet weekly" });
    await shows("agreement", "Meet weekly");
    await asCoach.call("PUT", `/agreements/${agreement.id}`, { ...inSession, body: "Meet monthly" });
    await shows("agreement", "Meet monthly");
    await asCoach.call("DELETE", `/agreements/${agreement.id}`);
    await hides("agreement", "Meet monthly");
  });
  let goal;
  await t.test("goal_created, goal_updated", async () => {
    goal = await asCoach.call("POST", "/goals", { coaching_relationship_id: relationship.id, title: "Speak up", body: "", status: "InProgress" });
    await shows("goal", "Speak up");
    await asCoach.call("PUT", `/goals/${goal.id}`, { coaching_relationship_id: relationship.id, title: "Speak first", body: "", status: "InProgress" });
    await shows("goal", "Speak first");
  });
  await t.test("coaching_session_goal_created, _deleted", async () => {
    const link = coachee.locator(`[data-testid=goal][data-id="${goal.id}"] [data-testid=goal-link]`);
    await asCoach.call("POST", `/coaching_sessions/${session.id}/goals/${goal.id}`);
    await coachee.locator(`[data-testid=goal][data-id="${goal.id}"] [data-testid=goal-link][aria-pressed=true]`).waitFor(AT_ONCE);
    await asCoach.call("DELETE", `/coaching_sessions/${session.id}/goals/${goal.id}`);
    await coachee.locator(`[data-testid=goal][data-id="${goal.id}"] [data-testid=goal-link][aria-pressed=false]`).waitFor(AT_ONCE);
    assert.equal(await link.count(), 1);
  });
  await t.test("goal_deleted", async () => {
    await asCoach.call("DELETE", `/goals/${goal.id}`);
    await hides("goal", "Speak first");
  });
  await t.test("note_created, note_updated", async () => {
    const note = await asCoach.call("POST", "/notes", { ...inSession, body: "Slept badly" });
    await shows("note", "Slept badly");
    await asCoach.call("PUT", `/notes/${note.id}`, { ...inSession, body: "Slept well" });
    await shows("note", "Slept well");
  });
  await t.test("topics_changed", async () => {
    const topic = await asCoach.call("POST", `/coaching_sessions/${session.id}/topics`, { body: "Holidays" });
    await shows("topic", "Holidays");
    await asCoachee.call("PATCH", `/coaching_sessions/${session.id}/topics/${topic.id}/rating`, { priority: "High" });
    await coach.getByTestId("topic").filter({ hasText: "Holidays" }).getByTestId("topic-priority").waitFor(AT_ONCE);
    await asCoach.call("PATCH", `/coaching_sessions/${session.id}/topics/${topic.id}/status`, { status: "Discussed" });
    await coachee.locator(`[data-testid=topic][data-id="${topic.id}"][data-done=true]`).waitFor(AT_ONCE);
    await asCoach.call("DELETE", `/coaching_sessions/${session.id}/topics/${topic.id}`);
    await hides("topic", "Holidays");
  });
  await t.test("coaching_session_title_updated", async () => {
    await asCoach.call("PATCH", `/coaching_sessions/${session.id}/title`, { title: "A new name" });
    await shows("session-title", "A new name");
  });
  await t.test("meeting_recording_updated, transcription_updated", async () => {
    const pair = { users: [relationship.coach_id, relationship.coachee_id] };
    for (const [type, testId] of [["meeting_recording_updated", "recording"], ["transcription_updated", "transcription"]]) {
      await announce({ type, data: { coaching_session_id: about.coaching_session_id } }, pair);
      await coachee.locator(`[data-testid=${testId}]`).waitFor(AT_ONCE);
    }
  });
  await t.test("system_announcement", async () => {
    await announce({ type: "system_announcement", data: { message: "Back at noon", severity: "warning" } }, "everyone");
    await shows("announcement", "Back at noon");
    await coach.getByTestId("announcement").filter({ hasText: "Back at noon" }).waitFor(AT_ONCE);
  });
  await t.test("presence_changed", async () => {
    await coachee.locator("[data-testid=partner] [data-presence=online], [data-testid=partner][data-presence=online]").first().waitFor(AT_ONCE);
  });
  await screenshot(coachee, "live-coachee");
  assert.deepEqual(loads, [], "nothing was reloaded");
  assert.deepEqual([...coach.complaints, ...coachee.complaints], []);
});

test("a conflict, seen first on the stream or first in the answer, offers both versions", async (t) => {
  let proxy;
  const through = async (server) => (proxy = await Proxy.start(t, server.port)).url;
  const { coach, asCoachee, session } = await room(t, browser, { through });
  const action = await asCoachee.call("POST", "/actions", { coaching_session_id: session.id, body: "First words", status: "NotStarted" });
  const rewrite = (body) => asCoachee.call("PUT", `/actions/${action.id}`, { coaching_session_id: session.id, body, status: "NotStarted" });
  const entry = coach.locator(`[data-testid=action][data-id="${action.id}"]`);
  await entry.waitFor(AT_ONCE);
  await entry.getByTestId("edit-action").click();
  await entry.getByTestId("action-input").fill("My words");
  await rewrite("Their words");
  await entry.getByTestId("conflict-theirs").filter({ hasText: "Their words" }).waitFor(AT_ONCE);
  await entry.getByTestId("keep-mine").click();

  // Without its stream the page learns of the next version from the refusal alone.
  await coach.route("**/sse?*", (route) => route.abort());
  proxy.cut();
  await rewrite("Their newer words");
  await entry.getByTestId("save-action").click();
  await coach.locator("[data-testid=toast][data-kind=conflict]").waitFor();
  await entry.getByTestId("conflict-theirs").filter({ hasText: "Their newer words" }).waitFor();
  await screenshot(coach, "conflict");
  await coach.unroute("**/sse?*");
  await entry.getByTestId("keep-mine").click();
  await entry.getByTestId("save-action").click();
  await entry.getByTestId("action-text").filter({ hasText: "My words" }).waitFor();
});

test("what the app refuses is shown apart from connection trouble", async (t) => {
  const { coach } = await room(t, browser);
  await coach.getByTestId("new-action").fill("x".repeat(200_000));
  await coach.getByTestId("add-action").click();
  await coach.locator("[data-testid=toast][data-kind=invalid]").waitFor();
  await screenshot(coach, "validation");
  assert.equal(await coach.getByTestId("connection-status").getAttribute("data-status"), "online");
});

test("a forced log-out ends at the log-in page with its reason, and the stream is refused", async (t) => {
  const { coachee, asCoach, asCoachee, relationship } = await room(t, browser);
  await asCoach.call("POST", `/admin/force_logout/${relationship.coachee_id}`, {});
  await coachee.getByTestId("farewell").waitFor({ timeout: 5_000 });
  await screenshot(coachee, "force-logout");
  await assert.rejects(asCoachee.call("GET", "/users/me"), /401/);
});
