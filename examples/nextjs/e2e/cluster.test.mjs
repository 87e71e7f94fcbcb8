// Three instances on one Redis behind HAProxy, as `cargo xtask demo --cluster` starts them: whichever is killed, every tab
// goes on from another one.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { launch, person, screenshot } from "./support/browser.mjs";
import { end, freePort } from "./support/server.mjs";

const ROOT = resolve(import.meta.dirname, "../../..");
const BINARY = process.env.CLUSTER_BINARY ?? resolve(ROOT, "target/debug/cluster");

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function cluster(t) {
  const port = await freePort();
  const packages = ["--client", resolve(ROOT, "client-wasm/pkg"), "--events", resolve(ROOT, "bindings/wasm/pkg")];
  const process = spawn(BINARY, ["--port", String(port), ...packages], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => end(process));
  await new Promise((done, failed) => {
    process.stdout.on("data", (text) => String(text).includes("is served on") && done());
    process.on("exit", (code) => failed(new Error(`the cluster ended with ${code}`)));
  });
  return `http://127.0.0.1:${port}`;
}

const shown = async (page, name) => page.getByTestId(name).textContent();

/** Waits until the tab has read `more` numbers more. */
async function reads(page, more) {
  const enough = Number(await shown(page, "received")) + more;
  await page.waitForFunction((n) => Number(document.querySelector("[data-testid=received]").textContent) >= n, enough);
}

/** Kills or starts an instance, and waits until the page says so. */
async function press(page, name, runs) {
  await page.getByRole("button", { name: `${runs ? "Start" : "Kill"} instance ${name}` }).click();
  await page.locator(`[data-testid=instance-${name}][data-runs=${runs}]`).waitFor();
}

/** Waits until the balancer sends streams there, which it does once it has seen that the instance is ready. */
async function balanced(url, name) {
  for (;;) {
    const looking = new AbortController();
    const answer = await fetch(`${url}/sse?tab=looking`, { headers: { accept: "text/event-stream" }, signal: looking.signal });
    const instance = answer.headers.get("x-tidings-instance");
    looking.abort();
    if (instance === name) return;
  }
}

test("whichever instance is killed, every tab goes on from another one and misses nothing", async (t) => {
  const url = await cluster(t);
  const tabs = [await person(t, browser, url, {}), await person(t, browser, url, {}), await person(t, browser, url, {})];
  for (const tab of tabs) {
    await tab.goto("/");
    await reads(tab, 3);
  }
  const where = async () => Promise.all(tabs.map((tab) => shown(tab, "here")));
  assert.deepEqual((await where()).sort(), ["one", "three", "two"], "the balancer spreads them");

  const [first] = await where();
  await press(tabs[0], first, false);
  await tabs[0].waitForFunction((name) => document.querySelector("[data-testid=here]").textContent !== name, first);
  for (const tab of tabs) await reads(tab, 4);
  await screenshot(tabs[0], "cluster");

  // All but one are gone, and that one is the last to come back.
  const [second, third] = ["one", "two", "three"].filter((name) => name !== first);
  await press(tabs[1], second, false);
  await tabs[0].waitForFunction((name) => document.querySelector("[data-testid=here]").textContent === name, third);
  for (const tab of tabs) await reads(tab, 3);
  await press(tabs[1], first, true);
  await balanced(url, first);
  await press(tabs[1], third, false);
  for (const tab of tabs) await reads(tab, 4);

  assert.deepEqual(await where(), [first, first, first]);
  for (const tab of tabs) {
    const counts = { missed: "0", repeated: "0", gaps: "0" };
    for (const name of Object.keys(counts)) assert.equal(await shown(tab, name), counts[name], name);
    assert.ok(Number(await shown(tab, "moves")) >= 1);
    assert.deepEqual(tab.complaints, []);
  }
});
