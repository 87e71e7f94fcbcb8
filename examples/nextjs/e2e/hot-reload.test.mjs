// An afternoon of editing under `next dev`: whatever is remounted, the page has one stream, the newest handler hears
// each event once, and nothing is left when the page is gone.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { Api } from "./support/api.mjs";
import { launch, person } from "./support/browser.mjs";
import { COACH, CoachingServer, end, freePort } from "./support/server.mjs";

const FOLDER = resolve(import.meta.dirname, "..");
const EDITS = 20;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** The page's source after an edit; every other one changes what hooks are called with, so that React mounts it anew. */
const source = (edit) => `"use client";
import { useState } from "react";
import { BackendEventProvider, useBackendEvent, useConnectionState } from "@tidings/coaching-events/react";

export function Live() {
  const [mounted] = useState(() => (globalThis.mounts = (globalThis.mounts ?? 0) + 1) + ${Math.ceil(edit / 2)});
  return <BackendEventProvider options={{ url: "/sse" }}><State key={mounted} /></BackendEventProvider>;
}

function State() {
  const status = useConnectionState(({ status }) => status);
  useBackendEvent("action_created", ({ action }) => (globalThis.heard ??= []).push("${edit}: " + action.body));
  return <p data-testid="edit" data-status={status}>${edit}</p>;
}
`;

/** `next dev` over a copy of the app, which may be edited; it has to lie where its packages are. */
async function nextDev(t) {
  const folder = await mkdtemp(join(FOLDER, ".hot-reload-"));
  t.after(() => rm(folder, { recursive: true, force: true, maxRetries: 3 }));
  await cp(join(FOLDER, "ssr-page"), folder, { recursive: true, filter: (path) => !path.includes("/.next") });
  const edit = (number) => writeFile(join(folder, "app/live.tsx"), source(number));
  await edit(0);
  const port = await freePort();
  const next = spawn(process.execPath, ["node_modules/next/dist/bin/next", "dev", folder, "--hostname", "127.0.0.1", "--port", String(port)], { cwd: FOLDER, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1" } });
  t.after(() => end(next));
  let output = "";
  for (const stream of [next.stdout, next.stderr]) stream.on("data", (chunk) => (output += chunk));
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline && next.exitCode === null) {
    if ((await fetch(url).catch(() => null))?.ok) return { url, edit };
    await new Promise((done) => setTimeout(done, 50));
  }
  throw new Error(`next dev did not serve the page:\n${output}`);
}

/**
 * Counts in the page the streams that it has asked for and not let go of. Only there is the order certain: the end of one
 * and the beginning of the next travel over two sockets, and the server may hear of them the other way round.
 */
function counted() {
  const streams = (globalThis.streams = { open: 0, most: 0 });
  const { fetch } = globalThis;
  globalThis.fetch = (url, init) => {
    if (new URL(url, location.href).pathname === "/sse" && init?.method === undefined) {
      streams.most = Math.max(streams.most, ++streams.open);
      init.signal.addEventListener("abort", () => streams.open--, { once: true });
    }
    return fetch(url, init);
  };
}

/** One origin for both, which counts the streams that are open, and carries the editor's socket to the pages. */
async function front(t, streams, pages) {
  const count = { open: 0, all: 0 };
  const target = (url) => new URL(url.startsWith("/sse") ? streams : pages);
  const proxy = createServer((ask, answer) => {
    const { hostname, port, host } = target(ask.url);
    const onward = request({ hostname, port, path: ask.url, method: ask.method, headers: { ...ask.headers, host } }, (from) => {
      if (from.headers["content-type"]?.startsWith("text/event-stream") && ask.url.startsWith("/sse")) {
        count.open++;
        count.all++;
        answer.on("close", () => count.open--);
      }
      answer.writeHead(from.statusCode, from.headers);
      from.pipe(answer);
    });
    onward.on("error", () => answer.destroy());
    answer.on("close", () => onward.destroy());
    ask.pipe(onward);
  });
  proxy.on("upgrade", (ask, socket, first) => {
    const { hostname, port, host } = target(ask.url);
    const onward = connect(port, hostname, () => {
      const headers = Object.entries({ ...ask.headers, host, origin: `http://${host}` }).map(([name, value]) => `${name}: ${value}\r\n`);
      onward.write(`GET ${ask.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
      onward.write(first);
      socket.pipe(onward).pipe(socket);
    });
    for (const one of [socket, onward]) one.on("error", () => (socket.destroy(), onward.destroy()));
    t.after(() => socket.destroy());
  });
  await new Promise((done) => proxy.listen(0, "127.0.0.1", done));
  t.after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${proxy.address().port}`, count };
}

test("twenty hot reloads never have two streams, keep one, and leave none", async (t) => {
  const server = await CoachingServer.start(t);
  const dev = await nextDev(t);
  const { url, count } = await front(t, server.url, dev.url);
  const api = await Api.logIn(server.url, COACH);
  const { session } = await api.seeded();
  const page = await person(t, browser, url, {});
  const [name, value] = api.cookie.split("=", 2);
  await page.context().addCookies([{ name, value, domain: "127.0.0.1", path: "/" }]);
  await page.addInitScript(counted);
  await page.goto("/");
  const shows = (edit) => page.locator("[data-testid=edit][data-status=online]", { hasText: new RegExp(`^${edit}$`) }).waitFor();
  await shows(0);
  await page.evaluate(() => (globalThis.sameDocument = true));

  for (let edit = 1; edit <= EDITS; edit++) {
    await dev.edit(edit);
    await shows(edit);
  }
  assert.equal(await page.evaluate(() => globalThis.sameDocument), true, "no edit loaded the page anew");
  assert.ok((await page.evaluate(() => globalThis.mounts)) > EDITS / 2, "every other edit mounted it anew");
  assert.deepEqual(await page.evaluate(() => globalThis.streams), { open: 1, most: 1 }, "streams open at once");
  assert.ok(count.all > EDITS / 2, "each mount had a stream of its own");
  await settled(count, 1, "streams that are left of those before");

  await api.call("POST", "/actions", { coaching_session_id: session.id, body: "after it all", status: "NotStarted" });
  await page.waitForFunction(() => globalThis.heard?.length > 0);
  assert.deepEqual(await page.evaluate(() => globalThis.heard), [`${EDITS}: after it all`]);
  assert.deepEqual(page.complaints, []);

  await page.close();
  await settled(count, 0, "streams that the page has left behind");
});

/** The server hears of what the page did in a moment. */
async function settled(count, open, what) {
  const deadline = Date.now() + 3_000;
  while (count.open !== open && Date.now() < deadline) await new Promise((done) => setTimeout(done, 20));
  assert.equal(count.open, open, what);
}
