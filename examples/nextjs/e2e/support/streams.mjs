// A bare page with the installed packages, an event stream on another origin that a test answers by hand, and who reads it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const ROOT = resolve(import.meta.dirname, "../../../..");
const PACKAGES = resolve(import.meta.dirname, "../../node_modules/@tidings");
const NOTE = JSON.parse(readFileSync(join(ROOT, "bindings/fixtures/note_created.json"), "utf8"));

const PAGE = `<!doctype html>
<meta charset="utf-8" />
<title>A bare page</title>
<link rel="icon" href="data:," />
<script type="importmap">{ "imports": { "@tidings/client": "/client/index.js", "@tidings/coaching-events": "/coaching-events/index.js" } }</script>
<script type="module" src="/page.js"></script>
`;
const AWAY = `<!doctype html><meta charset="utf-8" /><title>Elsewhere</title><link rel="icon" href="data:," />`;

/** Runs in the page: makes a provider and writes down all that it says. */
const SCRIPT = `
import { createBackendEventProvider } from "@tidings/coaching-events";

window.seen = { states: [], events: [], resyncs: [], errors: [], asks: [], shows: [] };
addEventListener("pageshow", ({ persisted }) => seen.shows.push(persisted));

/** A state without its error, of which only the code is looked at. */
window.plain = (state) => ({ ...state, reason: state.reason?.code ?? state.reason });

/** With \`tokens\` each attempt has credentials of its own, "Bearer 1" and so on; \`seed\` decides the delays. */
window.begin = (options, { tokens, seed }) => {
  const auth = async ({ reason }) => {
    seen.asks.push(reason);
    return { headers: { authorization: "Bearer " + seen.asks.length } };
  };
  const clock = {
    now: () => Date.now(),
    random: () => seed,
    setTimeout: (call, ms) => setTimeout(call, ms),
    clearTimeout: (timer) => clearTimeout(timer),
  };
  window.provider = createBackendEventProvider({
    logger: false,
    ...(tokens ? { auth } : {}),
    ...(seed === undefined ? {} : { clock }),
    ...options,
  });
  provider.onState((state) => seen.states.push({ at: Date.now(), ...plain(state) }));
  provider.on("note_created", ({ note }, { id, replayed }) => seen.events.push({ id, body: note.body, replayed }));
  provider.onResync((reason) => void seen.resyncs.push(reason));
  provider.onError(({ kind, code, retryable, status }) => seen.errors.push({ kind, code, retryable, status }));
};
`;

/** Waits until `condition` holds. */
export async function until(condition, what, ms = 5_000) {
  const giveUp = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > giveUp) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((done) => setTimeout(done, 5));
  }
}

/** The block of an event whose note says `body`. */
export function note(id, body) {
  const data = { ...NOTE.data, note: { ...NOTE.data.note, body } };
  return block(NOTE.type, { ...NOTE, data }, id);
}

function labels(groups) {
  return groups.map((group) => `group: ${group}\n`).join("");
}

function block(name, data, id) {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A request for the stream, and the answer that the test gives it. */
class Exchange {
  #request;
  #answer;
  #headers;

  constructor(request, answer, headers) {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    this.url = request.url;
    this.path = pathname;
    this.query = Object.fromEntries(searchParams);
    this.headers = request.headers;
    this.at = Date.now();
    /** When it was over, whoever ended it. */
    this.closedAt = null;
    this.#request = request;
    this.#answer = answer.on("close", () => (this.closedAt = Date.now()));
    this.#headers = headers;
  }

  /** What a POST brings. */
  async body() {
    return JSON.parse(await text(this.#request));
  }

  /** An answer that is no stream. */
  answer(status, headers = {}, body = "") {
    this.#answer.writeHead(status, { ...this.#headers, ...headers }).end(body);
  }

  /** Opens the stream and says hello. */
  hello({ resumed = "fresh", id = "ep-1", until = resumed === "replayed" ? id : undefined, heartbeat = 15_000 } = {}) {
    this.#answer.writeHead(200, { ...this.#headers, "content-type": "text/event-stream", "cache-control": "no-store, no-transform" });
    const contract = { revision: 1, hash: "" };
    const hello = { connection_id: "c1", subject: "s", resumed, replay_until: until, heartbeat_ms: heartbeat, contract, groups: "" };
    this.raw(block("tidings:hello", hello, id));
  }

  /** An event, for these groups or for whoever reads the stream. */
  note(id, body, ...groups) {
    this.raw(labels(groups) + note(id, body));
  }

  /** From here on the stream reads these groups, too. */
  gains(id, ...groups) {
    this.raw(labels(groups) + block("tidings:gap", { reason: "rights" }, id));
  }

  goodbye(reason, after) {
    this.raw(block("tidings:goodbye", { reason, reconnect_after_ms: after }));
    this.end();
  }

  /** Bytes as they are. */
  raw(text) {
    this.#answer.write(text);
  }

  /** The response ends as it should. */
  end() {
    this.#answer.end();
  }

  /** The connection breaks. */
  cut() {
    this.#answer.destroy();
  }

  /** Waits for its end. */
  async closed(ms) {
    await until(() => this.closedAt !== null, `the end of ${this.url}`, ms);
  }
}

export class Streams {
  /** Requests that the page's browser made by itself to be allowed others. */
  preflights = 0;
  /** All requests for the stream so far. */
  requests = [];
  #unread = [];
  #headers = {};

  /** Both servers; they end with the test `t`. */
  static async start(t) {
    const streams = new Streams();
    streams.page = await listen(t, (request, answer) => streams.#servePage(request, answer));
    streams.origin = await listen(t, (request, answer) => streams.#take(request, answer));
    streams.url = `${streams.origin}/sse`;
    streams.#headers = {
      vary: "Origin",
      "access-control-allow-origin": streams.page,
      "access-control-allow-credentials": "true",
      "access-control-expose-headers": "retry-after",
    };
    return streams;
  }

  /** The next request for the stream that the test has not looked at. */
  async next(ms) {
    await until(() => this.#unread.length > 0, `request ${this.requests.length + 1}`, ms);
    return this.#unread.shift();
  }

  async #servePage({ url }, answer) {
    const { pathname } = new URL(url, "http://localhost");
    const html = { "content-type": "text/html; charset=utf-8", "set-cookie": "session=anna" };
    if (pathname === "/") return answer.writeHead(200, html).end(PAGE);
    if (pathname === "/away") return answer.writeHead(200, html).end(AWAY);
    const script = { "content-type": "text/javascript" };
    if (pathname === "/page.js") return answer.writeHead(200, script).end(SCRIPT);
    const [, name, file] = /^\/(client|coaching-events)\/([\w/-]+\.js)$/.exec(pathname) ?? [];
    const content = name && (await readFile(join(PACKAGES, name, "pkg", file)).catch(() => undefined));
    return content ? answer.writeHead(200, script).end(content) : answer.writeHead(404).end();
  }

  #take(request, answer) {
    if (request.method === "OPTIONS") {
      this.preflights += 1;
      // As the server's `origin.rs` answers: also for the headers with which a client comes back.
      const wanted = request.headers["access-control-request-headers"];
      const allowed = { "access-control-allow-headers": `${wanted}, last-event-id, tidings-connection`, "access-control-max-age": "7200" };
      answer.writeHead(204, { ...this.#headers, "access-control-allow-methods": "GET", ...allowed }).end();
      return;
    }
    const exchange = new Exchange(request, answer, this.#headers);
    this.requests.push(exchange);
    this.#unread.push(exchange);
  }
}

async function listen(t, handle) {
  const server = createServer(handle);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** Retries after a quarter of a second each time: the shortest that there is. */
const QUICK = { baseMs: 1 };

/** A browser that keeps pages in its back/forward cache, which playwright otherwise turns off. */
export async function launchWithCache() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
  });
}

/** Somebody with the bare page open, and what a test asks of it. */
export class Reader {
  #streams;
  #complaints = [];

  constructor(page, streams) {
    this.page = page;
    this.#streams = streams;
    page.on("pageerror", (error) => this.#complaints.push(String(error)));
  }

  /** `{ streams, reader }`: servers and a page of their own. */
  static async open(t, browser) {
    const streams = await Streams.start(t);
    const context = await browser.newContext();
    const reader = new Reader(await context.newPage(), streams);
    t.after(async () => {
      await context.close();
      assert.deepEqual(reader.#complaints, []);
    });
    await reader.page.clock.install();
    await reader.page.goto(streams.page);
    await reader.page.waitForFunction(() => "begin" in window, undefined, { timeout: 5_000 });
    return { streams, reader };
  }

  /** Another tab of the same browser. */
  async another() {
    const other = new Reader(await this.page.context().newPage(), this.#streams);
    await other.page.goto(this.#streams.page);
    await other.page.waitForFunction(() => "begin" in window, undefined, { timeout: 5_000 });
    return other;
  }

  /** Makes the page's provider. */
  async begin(options = {}, harness = {}) {
    const all = { url: this.#streams.url, retry: QUICK, ...options };
    await this.page.evaluate(([all, harness]) => begin(all, harness), [all, harness]);
  }

  /** Begins, and takes the first stream up to its hello. */
  async online(options, harness, hello) {
    await this.begin(options, harness);
    const stream = await this.#streams.next();
    stream.hello(hello);
    await this.becomes("online");
    return stream;
  }

  /** Waits until the state is one of `names`; gives it. */
  async becomes(...names) {
    await this.page.waitForFunction((names) => names.includes(provider.state.status), names, { timeout: 5_000 });
    return this.state();
  }

  /** Waits until the next attempt has a time; gives how long that is away when it is set. */
  async waits() {
    await this.page.waitForFunction(() => provider.state.retryAt, undefined, { timeout: 5_000 });
    const { at, retryAt } = (await this.seen("states")).at(-1);
    return retryAt - at;
  }

  /** Waits until the page has read what `write` writes, of which it need not know anything else. */
  async reads(write) {
    const lastByteAt = () => provider.inspect().lastByteAt;
    await this.page.waitForFunction(() => Date.now() > provider.inspect().lastByteAt);
    const before = await this.page.evaluate(lastByteAt);
    write();
    await this.page.waitForFunction((before) => provider.inspect().lastByteAt > before, before, { timeout: 5_000 });
  }

  /** Waits until the last event says `body`; gives what all events said. */
  async hears(body) {
    await this.page.waitForFunction((body) => seen.events.at(-1)?.body === body, body, { timeout: 5_000 });
    return (await this.seen("events")).map(({ body }) => body);
  }

  /** The page is behind others, or before them, as far as it can tell. */
  async show(visibility) {
    await this.page.evaluate((visibility) => {
      Object.defineProperties(document, {
        hidden: { configurable: true, value: visibility === "hidden" },
        visibilityState: { configurable: true, value: visibility },
      });
      document.dispatchEvent(new Event("visibilitychange"));
    }, visibility);
  }

  /** What the page wrote down. */
  async seen(what) {
    return this.page.evaluate((what) => seen[what], what);
  }

  /** The state, an error in it as its code. */
  async state() {
    return this.page.evaluate(() => plain(provider.state));
  }

  /** How often the page has tried; known in the page before any of it is on its way. */
  async attempts() {
    return this.page.evaluate(() => provider.inspect().attempts);
  }

  /** The page's clock goes on by `ms`, every timer at its time. */
  async lives(ms) {
    await this.page.clock.runFor(ms);
  }

  /** The page's clock jumps, as it does over a sleep: what was due is late. */
  async sleeps(ms) {
    await this.page.clock.fastForward(ms);
  }
}
