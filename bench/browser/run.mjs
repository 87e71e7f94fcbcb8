// What an event costs the main thread of a page: our client, and a plain EventSource with JSON.parse, in turns in the
// same page. A benchmark: it prints, and judges nothing but that all events came.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { extname } from "node:path";

const app = new URL("../../examples/nextjs/", import.meta.url);
const { chromium } = createRequire(new URL("package.json", app))("playwright-core");

const COUNT = 10_000;
const TURNS = 7;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".wasm": "application/wasm" };

/** The golden event whose block is nearest to 300 bytes. */
async function event() {
  const folder = new URL("../../bindings/fixtures/", import.meta.url);
  const files = JSON.parse(await readFile(new URL("index.json", folder), "utf8"));
  const events = await Promise.all(files.map(async (name) => JSON.parse(await readFile(new URL(`${name}.json`, folder), "utf8"))));
  const off = (one) => Math.abs(block(one, 1).length - 300);
  return events.reduce((best, one) => (off(one) < off(best) ? one : best));
}

const meta = { at: "2026-11-27T00:00:00.000Z" };
const block = (one, n) => `id: e-${n}\nevent: ${one.type}\ndata: ${JSON.stringify({ type: one.type, data: one.data, meta })}\n\n`;

const hello = {
  connection_id: "0".repeat(32), subject: "s", resumed: "fresh", replay_until: null, heartbeat_ms: 15_000,
  contract: { revision: 0, hash: "" }, groups: "",
};

const one = await event();
let streams = [];
let sent = 0;
const server = createServer(async (request, response) => {
  if (request.url.startsWith("/sse")) {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(`retry: 1000\nid: e-${sent}\nevent: tidings:hello\ndata: ${JSON.stringify(hello)}\n\n`);
    streams.push(response);
    return;
  }
  const path = request.url === "/" ? "/page.html" : request.url;
  const file = path.startsWith("/@tidings/") ? new URL(`node_modules${path}`, app) : new URL(`.${path}`, import.meta.url);
  const body = await readFile(file).catch(() => null);
  response.writeHead(body === null ? 404 : 200, { "content-type": TYPES[extname(path)] ?? "text/plain" });
  response.end(body);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ["--no-sandbox", "--disable-gpu"],
});
const page = await browser.newPage();
page.on("pageerror", (error) => console.error(String(error)));
await page.goto(`http://127.0.0.1:${server.address().port}/`);
await page.waitForFunction(() => globalThis.ready);
const devtools = await page.context().newCDPSession(page);
await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
const busy = async () => {
  const { metrics } = await devtools.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value * 1e6;
};

async function turn(way) {
  await page.evaluate(([way, name, count]) => begin(way, name, count), [way, one.type, COUNT]);
  const before = await busy();
  const began = performance.now();
  let bytes = "";
  for (let n = 0; n < COUNT; n++) bytes += block(one, ++sent);
  for (const stream of streams) stream.write(bytes);
  await page.evaluate(() => globalThis.done);
  const took = performance.now() - began;
  const each = ((await busy()) - before) / COUNT;
  const longest = await page.evaluate(() => globalThis.end());
  for (const stream of streams.splice(0)) stream.end();
  return { each, took, longest };
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const turns = { plain: [], tidings: [] };
for (let n = 0; n <= TURNS; n++) {
  for (const way of Object.keys(turns)) {
    const result = await turn(way);
    // The first warms the page.
    if (n > 0) turns[way].push(result);
  }
}
await browser.close();
server.close();

const rows = Object.entries(turns).map(([way, results]) => ({
  way: way === "plain" ? "EventSource + JSON.parse" : "@tidings/client",
  "main thread, µs per event": Number(median(results.map(({ each }) => each)).toFixed(2)),
  "10,000 events, ms": Math.round(median(results.map(({ took }) => took))),
  "longest block, ms": Math.round(Math.max(...results.map(({ longest }) => longest))),
}));
console.log(`${one.type}, ${block(one, 1).length} bytes, bursts of 10,000, median of ${TURNS}`);
console.table(rows);
const [plain, ours] = rows.map((row) => row["main thread, µs per event"]);
console.log(`ratio ${(ours / plain).toFixed(2)}`);
