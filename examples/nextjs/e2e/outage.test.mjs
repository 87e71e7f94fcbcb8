// The server dies, a proxy fails, a process freezes, a log-in runs out: the page says so and comes back by itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fillLogIn, launch, online, screenshot } from "./support/browser.mjs";
import { Proxy } from "./support/proxy.mjs";
import { room } from "./support/room.mjs";
import { COACHEE } from "./support/server.mjs";

const status = (page, ...names) => page.locator(names.map((name) => `[data-testid=connection-mark][data-status=${name}]`).join(", ")).first();

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("killed with -9 and started again: what changed the moment it was back is on both pages, and no gap was said", async (t) => {
  const { server, coach, coachee, asCoach, asCoachee, session } = await room(t, browser);
  const before = await asCoach.call("POST", "/actions", { coaching_session_id: session.id, body: "Said before", status: "NotStarted" });
  for (const page of [coach, coachee]) await page.getByTestId("action").filter({ hasText: "Said before" }).waitFor();
  await server.kill("SIGKILL");
  const fetched = [coach, coachee].map(fetchesOf);
  await Promise.all([coach, coachee].map((page) => status(page, "reconnecting").waitFor({ state: "attached", timeout: 5_000 })));
  await coachee.getByTestId("retry-now").waitFor({ timeout: 10_000 });
  await screenshot(coachee, "reconnecting");
  await server.launch();
  // The first to speak to the new process, whoever of the pages is back by then.
  await asCoach.call("POST", "/actions", { coaching_session_id: session.id, body: "Said the moment it was back", status: "NotStarted" });
  await asCoachee.call("PUT", `/actions/${before.id}`, { coaching_session_id: session.id, body: "Said otherwise since", status: "InProgress" });
  await asCoach.call("POST", "/agreements", { coaching_session_id: session.id, body: "Agreed the moment it was back" });
  for (const page of [coach, coachee]) {
    await online(page);
    for (const [kind, text, times] of [
      ["action", "Said the moment it was back", 1],
      ["action", "Said otherwise since", 1],
      ["action", "Said before", 0],
      ["agreement", "Agreed the moment it was back", 1],
    ]) {
      const shown = page.getByTestId(kind).filter({ hasText: text });
      if (times > 0) await shown.waitFor();
      assert.equal(await shown.count(), times, text);
    }
    await page.getByTestId("retry-now").waitFor({ state: "detached" });
  }
  await Promise.all([coach, coachee].map((page, index) => screenshot(page, `recovered-${["coach", "coachee"][index]}`)));
  // A gap has a page fetch all of its data again; the stream alone brought what is there, but for presence, which is live only.
  for (const paths of fetched) assert.deepEqual(paths.filter((path) => !["/sse", "/presence"].includes(path)), []);
});

/** The paths that a page asks for from now on. */
function fetchesOf(page) {
  const paths = [];
  page.on("request", (request) => paths.push(new URL(request.url()).pathname));
  return paths;
}

test("a 502 from a proxy does not end live updates", async (t) => {
  let proxy;
  const through = async (server) => (proxy = await Proxy.start(t, server.port)).url;
  const { coachee, asCoach, session } = await room(t, browser, { through });
  proxy.become("502");
  await status(coachee, "reconnecting").waitFor({ state: "attached" });
  await asCoach.call("POST", "/actions", { coaching_session_id: session.id, body: "During the deploy", status: "NotStarted" });
  proxy.become("pass");
  await coachee.getByTestId("action").filter({ hasText: "During the deploy" }).waitFor();
  await online(coachee);
});

test("a partner who left while the page had no stream is shown as gone", async (t) => {
  let proxy;
  const through = async (server) => (proxy = await Proxy.start(t, server.port)).url;
  const { coach, coachee, asCoachee, relationship } = await room(t, browser, { through });
  const partner = (presence) => coachee.locator(`[data-testid=partner] [data-presence=${presence}], [data-testid=partner][data-presence=${presence}]`).first();
  await partner("online").waitFor();
  proxy.become("502");
  await status(coachee, "reconnecting").waitFor({ state: "attached" });
  await coach.context().close();
  // Nobody can tell this page of it.
  const isGone = async () => (await asCoachee.call("GET", `/presence?coaching_relationship_id=${relationship.id}`)).some(({ user_id, presence }) => user_id === relationship.coach_id && presence === "offline");
  const giveUp = Date.now() + 30_000;
  while (!(await isGone())) assert.ok(Date.now() < giveUp, "the partner is still said to be there");
  proxy.become("pass");
  await online(coachee);
  await partner("offline").waitFor();
});

test("a refused stream parks in unauthorized, and a log-in revives it", async (t) => {
  const { coachee, asCoach, session } = await room(t, browser);
  await coachee.context().clearCookies();
  await reconnect(coachee);
  await coachee.getByTestId("log-in-again").waitFor();
  await screenshot(coachee, "unauthorized");
  await asCoach.call("POST", "/actions", { coaching_session_id: session.id, body: "While logged out", status: "NotStarted" });
  await coachee.getByTestId("log-in-again").click();
  await fillLogIn(coachee, COACHEE.email, COACHEE.password);
  await online(coachee);
  await coachee.getByTestId("action").filter({ hasText: "While logged out" }).waitFor();
});

/** As a page does that comes back from the cache. */
async function reconnect(page) {
  await page.evaluate(() => {
    dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
    dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  });
}

test("a frozen server is noticed within 2.5 heartbeats", async (t) => {
  const heartbeat = 2_000;
  const grace = 2_000; // before the page shows it, as the app asks for
  const slack = 500;
  const { server, coachee } = await room(t, browser, { args: ["--heartbeat-ms", String(heartbeat)] });
  const frozen = Date.now();
  server.signal("SIGSTOP");
  await status(coachee, "reconnecting").waitFor({ state: "attached", timeout: 15_000 });
  const noticed = Date.now() - frozen;
  server.signal("SIGCONT");
  assert.ok(noticed <= 2.5 * heartbeat + grace + slack, `shown after ${noticed} ms`);
  await online(coachee);
});
