// What the page shows of its connection, state by state, on a clock that the test turns.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api } from "./support/api.mjs";
import { launch, online, person, screenshot } from "./support/browser.mjs";
import { Proxy } from "./support/proxy.mjs";
import { COACH, COACHEE, CoachingServer } from "./support/server.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const LOOKS = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { colorScheme: "light", viewport: { width: 375, height: 740 }, reducedMotion: "reduce" }],
];

/** A page before a session, its connection in our hands. */
async function watched(t, look) {
  const server = await CoachingServer.start(t);
  const proxy = await Proxy.start(t, server.port);
  const { session } = await (await Api.logIn(server.url, COACH)).seeded();
  const page = await person(t, browser, proxy.url, COACHEE, look);
  await page.clock.install();
  await page.goto(`/session?id=${session.id}`);
  await page.getByTestId("session").waitFor();
  await online(page);
  return { page, proxy };
}

const bar = (page) => page.getByTestId("connection-status");
const becomes = (page, status) => page.locator(`[data-testid=connection-status][data-status=${status}]`).waitFor({ state: "attached" });

/** Lets time pass in steps that leave the page's own timers and requests their turns. */
async function pass(page, seconds) {
  for (let passed = 0; passed < seconds; passed += 1) await page.clock.runFor(1_000);
}

for (const [name, look] of LOOKS) {
  test(`each state has its words and its way out (${name})`, async (t) => {
    const { page, proxy } = await watched(t, look);
    assert.equal((await bar(page).innerText()).trim(), "", "online says nothing");
    await screenshot(page, `${name}-1-online`);

    proxy.become("502");
    await pass(page, 1);
    assert.equal((await bar(page).innerText()).trim(), "", "nothing within the grace period");
    await pass(page, 3);
    await becomes(page, "reconnecting");
    await page.getByTestId("retry-now").waitFor();
    await page.getByTestId("retry-countdown").waitFor();
    await screenshot(page, `${name}-2-reconnecting`);

    await page.context().setOffline(true);
    await becomes(page, "offline");
    await screenshot(page, `${name}-3-offline`);
    await page.context().setOffline(false);
    await becomes(page, "reconnecting");

    await pass(page, 60);
    await becomes(page, "long-broken");
    await page.getByTestId("retry-now").waitFor();
    await screenshot(page, `${name}-4-long-broken`);

    proxy.become("pass");
    await page.getByTestId("retry-now").click();
    await becomes(page, "online");
    assert.equal((await bar(page).innerText()).trim(), "", "recovery hides it at once");

    await page.context().clearCookies();
    proxy.cut();
    await pass(page, 5);
    await becomes(page, "unauthorized");
    await page.getByTestId("log-in-again").click();
    await page.getByTestId("log-in-dialog").getByTestId("email").waitFor();
    await screenshot(page, `${name}-5-unauthorized`);

    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${wide} px too wide`);
    assert.deepEqual(page.complaints, []);
  });
}
