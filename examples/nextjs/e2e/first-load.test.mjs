// Between a page's data and its stream, and between a gap and its refetch: nothing falls through.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, online, person } from "./support/browser.mjs";
import { Api } from "./support/api.mjs";
import { Proxy } from "./support/proxy.mjs";
import { room } from "./support/room.mjs";
import { COACH, COACHEE, CoachingServer } from "./support/server.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** Holds every request that matches until released; tells when the first has come. */
async function gate(page, pattern) {
  let open, arrived;
  const released = new Promise((done) => (open = done));
  const first = new Promise((done) => (arrived = done));
  await page.route(pattern, async (route) => {
    arrived();
    await released;
    await route.continue().catch(() => {});
  });
  return { open, first };
}

/** Holds every answer, already read from the server, until released. */
async function gateAnswers(page, pattern) {
  let open, arrived;
  const released = new Promise((done) => (open = done));
  const first = new Promise((done) => (arrived = done));
  await page.route(pattern, async (route) => {
    const response = await route.fetch();
    arrived();
    await released;
    await route.fulfill({ response }).catch(() => {});
  });
  return { open, first };
}

async function visitor(t) {
  const server = await CoachingServer.start(t);
  const asCoach = await Api.logIn(server.url, COACH);
  const { session } = await asCoach.seeded();
  const page = await person(t, browser, server.url, COACHEE);
  const act = (body) => asCoach.call("POST", "/actions", { coaching_session_id: session.id, body, status: "NotStarted" });
  return { server, page, session, act, asCoach };
}

test("an event committed between the page's load and the stream's hello is on screen", async (t) => {
  const { page, session, act } = await visitor(t);
  const sse = await gate(page, "**/sse?*");
  await page.goto(`/session?id=${session.id}`);
  await page.getByTestId("session").waitFor();
  await sse.first;
  await act("Between load and hello");
  sse.open();
  await online(page);
  await page.getByTestId("action").filter({ hasText: "Between load and hello" }).waitFor();
  assert.equal(await page.getByTestId("action").filter({ hasText: "Between load and hello" }).count(), 1);
});

test("an event committed while a later page's GETs are in flight is on screen", async (t) => {
  const { page, session, act } = await visitor(t);
  await page.getByTestId("sessions").waitFor();
  await online(page);
  const actions = await gateAnswers(page, "**/actions?*");
  await page.locator(`[data-testid=session-link][href*="${session.id}"]`).click();
  await actions.first;
  await act("While the page loads");
  // Anything that follows on the stream proves that the event has arrived before the page has.
  actions.open();
  await page.getByTestId("session").waitFor();
  await page.getByTestId("action").filter({ hasText: "While the page loads" }).waitFor();
  assert.equal(await page.getByTestId("action").filter({ hasText: "While the page loads" }).count(), 1);
});

test("after a gap a refetch in flight never overwrites a newer event", async (t) => {
  const { server, coachee, asCoach, session } = await room(t, browser);
  const action = await asCoach.call("POST", "/actions", { coaching_session_id: session.id, body: "Old words", status: "NotStarted" });
  await coachee.getByTestId("action").filter({ hasText: "Old words" }).waitFor();
  await server.kill();
  await server.backUp();
  await server.launch();
  await asCoach.call("POST", "/agreements", { coaching_session_id: session.id, body: "Since the backup" });
  await coachee.getByTestId("agreement").filter({ hasText: "Since the backup" }).waitFor();
  const actions = await gateAnswers(coachee, "**/actions?*");
  // What the page stands on is in no log any more: it is told, and fetches again.
  await server.kill();
  await server.restore();
  await server.launch();
  await actions.first;
  await online(coachee);
  await asCoach.call("PUT", `/actions/${action.id}`, { coaching_session_id: session.id, body: "New words", status: "NotStarted" });
  actions.open();
  await coachee.getByTestId("action").filter({ hasText: "New words" }).waitFor();
  assert.equal(await coachee.getByTestId("action").filter({ hasText: "Old words" }).count(), 0);
  assert.equal(await coachee.getByTestId("agreement").filter({ hasText: "Since the backup" }).count(), 0);
});

test("a page opened while the stream cannot be had catches up once it can", async (t) => {
  const server = await CoachingServer.start(t);
  const proxy = await Proxy.start(t, server.port);
  const asCoach = await Api.logIn(server.url, COACH);
  const { session } = await asCoach.seeded();
  const page = await person(t, browser, proxy.url, COACHEE);
  await page.route("**/sse?*", (route) => route.abort());
  await page.goto(`/session?id=${session.id}`);
  await page.getByTestId("session").waitFor();
  await asCoach.call("POST", "/actions", { coaching_session_id: session.id, body: "Before the first hello", status: "NotStarted" });
  await page.unroute("**/sse?*");
  await page.getByTestId("action").filter({ hasText: "Before the first hello" }).waitFor();
});
