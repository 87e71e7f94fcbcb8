// One stream for all tabs of a browser, over HTTP/1.1, whatever becomes of the tab that reads it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api } from "./support/api.mjs";
import { launch, logIn, online, person } from "./support/browser.mjs";
import { Proxy } from "./support/proxy.mjs";
import { COACH, COACHEE, CoachingServer } from "./support/server.mjs";
import { Reader } from "./support/streams.mjs";

/** Within this the others go on when the leading tab is closed, crashes or is frozen. */
const GOES_ON = 5_000;
const AT_ONCE = 1_000;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A coach with `count` tabs on one session, the proxy that counts their streams, and a program that changes it. */
async function tabs(t, count, ...args) {
  const server = await CoachingServer.start(t, ...args);
  const proxy = await Proxy.start(t, server.port);
  const first = await person(t, browser, proxy.url, COACH);
  const api = await Api.logIn(server.url, COACHEE);
  const { session } = await api.seeded();
  const pages = [first, ...(await Promise.all(Array.from({ length: count - 1 }, () => first.context().newPage())))];
  // One after the other, as people open them: over HTTP/1.1 a browser has six connections to a server.
  for (const page of pages) {
    await page.goto(`/session?id=${session.id}`);
    await page.getByTestId("session").waitFor();
    await online(page);
  }
  let number = 0;
  /** Changes the session, and waits until each of `pages` shows it, once. */
  const change = async (pages, timeout) => {
    const body = `Action ${++number}.`;
    await api.call("POST", "/actions", { coaching_session_id: session.id, body, status: "NotStarted" });
    await Promise.all(pages.map((page) => shows(page, body, timeout)));
    return body;
  };
  return { server, proxy, pages, api, session, change };
}

async function shows(page, body, timeout) {
  const action = page.getByTestId("action").filter({ hasText: body });
  await action.waitFor({ timeout });
  assert.equal(await action.count(), 1);
}

/** The tab that holds the lock, and the others. */
async function split(pages) {
  const leads = await Promise.all(pages.map((page) => role(page).then((role) => role === "leader")));
  const leader = pages.find((_, place) => leads[place]);
  assert.ok(leader, `no tab leads: ${await Promise.all(pages.map(role))}`);
  return { leader, others: pages.filter((page) => page !== leader) };
}

async function role(page) {
  return page.locator("[data-testid=connection-mark]").getAttribute("data-role");
}

test("eight tabs read one stream, and go on when the one that reads it is closed, crashes or is frozen", async (t) => {
  const { proxy, pages, change, api, session: { id } } = await tabs(t, 8);
  let there = pages;
  const goesOn = async (others) => {
    await change(others, GOES_ON);
    await proxy.carries(1);
    there = others;
  };

  await t.test("all show everything at once", async () => {
    await change(pages, AT_ONCE);
    await change(pages, AT_ONCE);
    await proxy.carries(1);
    assert.deepEqual((await Promise.all(pages.map(role))).sort(), [...Array(7).fill("follower"), "leader"]);
  });
  await t.test("closed", async () => {
    const { leader, others } = await split(there);
    await leader.close();
    await goesOn(others);
  });
  await t.test("crashed", async () => {
    const { leader, others } = await split(there);
    const crashed = leader.waitForEvent("crash");
    leader.goto("chrome://crash").catch(() => {});
    await crashed;
    await goesOn(others);
  });
  await t.test("frozen, and it gets what it missed when it wakes", async () => {
    const { leader, others } = await split(there);
    const devtools = await leader.context().newCDPSession(leader);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    await goesOn(others);
    const missed = "While it was frozen.";
    await api.call("POST", "/actions", { coaching_session_id: id, body: missed, status: "NotStarted" });
    await Promise.all(others.map((page) => shows(page, missed, AT_ONCE)));
    await devtools.send("Page.setWebLifecycleState", { state: "active" });
    await shows(leader, missed, GOES_ON);
    await goesOn([leader, ...others]);
  });
});

test("three tabs", async (t) => {
  const heartbeat = 2_000;
  const { proxy, pages, change } = await tabs(t, 3, "--heartbeat-ms", String(heartbeat));

  await t.test("when the leading one hangs, another leads within 2.5 heartbeats and 3 seconds", async () => {
    const { leader, others } = await split(pages);
    const hangs = leader.evaluate(() => {
      const until = Date.now() + 10_000;
      while (Date.now() < until);
    });
    const slack = 1_000;
    const body = await change(others, 2.5 * heartbeat + 3_000 + slack);
    await hangs;
    await shows(leader, body, AT_ONCE);
    await proxy.carries(1);
  });
  await t.test("whoever logs out in one is logged out in all, and another user sees nothing of theirs", async () => {
    const [first, ...others] = pages;
    await first.getByTestId("account-menu").click();
    await first.getByTestId("log-out").click();
    await Promise.all(others.map((page) => page.getByTestId("log-in-again").waitFor()));
    await proxy.carries(0);
    await first.waitForURL("**/sign-in/");
    await logIn(first, COACHEE.email, COACHEE.password);
    await online(first);
    await proxy.carries(1);
    await change([], AT_ONCE);
    for (const page of others) await page.locator("[data-testid=connection-mark][data-status=unauthorized]").waitFor({ state: "attached" });
  });
});

test("tabs whose pages read different groups share one stream, and each page gets its own", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const stream = await reader.online({ identity: "anna", groups: ["a"] });
  assert.equal(stream.query.groups, "a");
  const other = await reader.another();
  await other.begin({ identity: "anna", groups: ["b"] });
  const more = await streams.next();
  assert.deepEqual([more.path, await more.body()], ["/sse/groups", { groups: ["a", "b"] }]);
  more.answer(200, {}, JSON.stringify({ refused: [] }));
  await other.becomes("online");
  stream.gains("ep-2", "b");
  stream.note("ep-3", "One", "a");
  stream.note("ep-4", "Two", "b");
  stream.note("ep-5", "Three");
  assert.deepEqual(await reader.hears("Three"), ["One", "Three"]);
  assert.deepEqual(await other.hears("Three"), ["Two", "Three"]);
  assert.deepEqual([await reader.seen("resyncs"), await other.seen("resyncs")], [["initial"], ["initial", "rights"]]);
  assert.equal((await other.state()).role, "follower");

  // Another leads, and asks for what both read.
  await reader.page.close();
  const next = await streams.next();
  assert.deepEqual([next.query.groups, next.query.known, next.query.last_event_id ?? next.headers["last-event-id"]], ["b,a", undefined, "ep-5"]);
  next.hello({ resumed: "replayed", id: "ep-5" });
  next.note("ep-6", "Four", "b");
  assert.deepEqual(await other.hears("Four"), ["Two", "Three", "Four"]);
  assert.equal(streams.requests.length, 3);
});
