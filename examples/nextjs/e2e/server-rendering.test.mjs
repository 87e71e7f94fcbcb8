// A page rendered by `next start`: `idle` in the HTML, live in the browser, and not a word in the console.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer, request } from "node:http";
import { resolve } from "node:path";
import { after, before, test } from "node:test";
import { Api } from "./support/api.mjs";
import { launch, person } from "./support/browser.mjs";
import { COACHEE, CoachingServer, freePort } from "./support/server.mjs";

const FOLDER = resolve(import.meta.dirname, "..");

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

async function nextStart(t) {
  const port = await freePort();
  const next = spawn(process.execPath, ["node_modules/next/dist/bin/next", "start", "ssr-page", "--hostname", "127.0.0.1", "--port", String(port)], { cwd: FOLDER, stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => next.kill());
  let output = "";
  for (const stream of [next.stdout, next.stderr]) stream.on("data", (chunk) => (output += chunk));
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && next.exitCode === null) {
    if ((await fetch(url).catch(() => null))?.ok) return url;
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`next start did not serve the page (npm run build:ssr-page builds it):\n${output}`);
}

/** One origin, as a reverse proxy makes it: the stream from the one server, the page from the other. */
async function front(t, streams, pages) {
  const proxy = createServer((ask, answer) => {
    const { hostname, port } = new URL(ask.url.startsWith("/sse") ? streams : pages);
    const onward = request({ hostname, port, path: ask.url, method: ask.method, headers: ask.headers }, (from) => {
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    ask.pipe(onward);
  });
  await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
  t.after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  return `http://127.0.0.1:${proxy.address().port}`;
}

test("a page rendered on a server hydrates without a warning and goes live", async (t) => {
  const server = await CoachingServer.start(t);
  const { cookie } = await Api.logIn(server.url, COACHEE);
  const url = await front(t, server.url, await nextStart(t));
  assert.match(await (await fetch(url)).text(), /data-status="idle"/, "what a server renders");

  const page = await person(t, browser, url, {});
  const said = [];
  page.on("console", (message) => ["warning", "error"].includes(message.type()) && said.push(message.text()));
  const [name, value] = cookie.split("=", 2);
  await page.context().addCookies([{ name, value, domain: "127.0.0.1", path: "/" }]);
  await page.goto("/");
  await page.locator("[data-testid=connection-status][data-status=online]").waitFor();
  assert.deepEqual([...said, ...page.complaints], []);
});
