// The same client in Firefox: one stream for its tabs, and a page that is left and comes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Api } from "./support/api.mjs";
import { Firefox } from "./support/firefox.mjs";
import { Proxy } from "./support/proxy.mjs";
import { COACH, COACHEE, CoachingServer } from "./support/server.mjs";

/** Within this the others go on when the leading tab is closed. */
const GOES_ON = 5_000;
const ONLINE = `document.querySelector("[data-testid=connection-mark]")?.dataset.status === "online"`;
const ROLE = `document.querySelector("[data-testid=connection-mark]").dataset.role`;
const times = (body, count) => `[...document.querySelectorAll("[data-testid=action-text]")].filter(({ innerText }) => innerText === ${JSON.stringify(body)}).length === ${count}`;

async function coachWith(t, tabCount) {
  const server = await CoachingServer.start(t);
  const proxy = await Proxy.start(t, server.port);
  const api = await Api.logIn(server.url, COACHEE);
  const { session } = await api.seeded();
  const firefox = await Firefox.launch(t);
  const tabs = [];
  while (tabs.length < tabCount) tabs.push(await firefox.newTab());
  await tabs[0].goto(`${proxy.url}/sign-in`);
  await tabs[0].evaluate(`fetch("/login", { method: "POST", body: new URLSearchParams(${JSON.stringify(COACH)}) }).then(({ ok }) => ok)`);
  for (const tab of tabs) {
    await tab.goto(`${proxy.url}/session?id=${session.id}`);
    await tab.until(ONLINE);
  }
  let number = 0;
  const change = async () => {
    const body = `Action ${++number}.`;
    await api.call("POST", "/actions", { coaching_session_id: session.id, body, status: "NotStarted" });
    return body;
  };
  return { proxy, tabs, change };
}

test("tabs read one stream, and go on when the one that reads it is closed", async (t) => {
  const { proxy, tabs, change } = await coachWith(t, 4);
  await proxy.carries(1);
  let body = await change();
  for (const tab of tabs) await tab.until(times(body, 1));

  const roles = await Promise.all(tabs.map((tab) => tab.evaluate(ROLE)));
  assert.deepEqual([...roles].sort(), ["follower", "follower", "follower", "leader"]);
  const leader = roles.indexOf("leader");
  await tabs[leader].close();
  body = await change();
  for (const tab of tabs.filter((_, place) => place !== leader)) await tab.until(times(body, 1), GOES_ON);
  await proxy.carries(1);
});

// Firefox decides before `pagehide` whether a page goes into its back/forward cache, and one that holds a lock or reads a
// stream does not, whatever it lets go of then; going back is a new load there.
test("going back shows what was missed, once, and there was no stream meanwhile", async (t) => {
  const { proxy, tabs: [tab], change } = await coachWith(t, 1);
  await tab.goto(`${proxy.url}/icon.svg`);
  await proxy.carries(0);
  const body = await change();
  await tab.back();
  await tab.until(times(body, 1));
  await tab.until(ONLINE);
  await proxy.carries(1);
});
