// Debian's Firefox over WebDriver BiDi, as far as the tests need it. playwright speaks a later BiDi than the ESR does.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { end } from "./server.mjs";

const BINARY = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
const STARTS_WITHIN = 60_000;
const SHOWS_WITHIN = 30_000;

export class Firefox {
  #socket;
  #asked = new Map();

  /** A browser with a profile of its own; it ends with the test `t`. */
  static async launch(t) {
    const profile = await mkdtemp(join(tmpdir(), "firefox-"));
    const child = spawn(BINARY, ["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", profile], { stdio: ["ignore", "ignore", "pipe"] });
    t.after(async () => {
      await end(child);
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    });
    const firefox = new Firefox();
    await firefox.#connect(await addressOf(child));
    await firefox.send("session.new", { capabilities: {} });
    return firefox;
  }

  async #connect(address) {
    this.#socket = new WebSocket(`${address}/session`);
    this.#socket.on("message", (data) => {
      const { id, error, message, result } = JSON.parse(data);
      const asked = this.#asked.get(id);
      this.#asked.delete(id);
      if (error === undefined) asked?.done(result);
      else asked?.failed(new Error(`${error}: ${message}`));
    });
    await new Promise((done, failed) => this.#socket.once("open", done).once("error", failed));
  }

  send(method, params) {
    const id = this.#asked.size === 0 ? 1 : Math.max(...this.#asked.keys()) + 1;
    return new Promise((done, failed) => {
      this.#asked.set(id, { done, failed });
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async newTab() {
    const { context } = await this.send("browsingContext.create", { type: "tab" });
    return new Tab(this, context);
  }
}

class Tab {
  #firefox;
  #context;

  constructor(firefox, context) {
    this.#firefox = firefox;
    this.#context = context;
  }

  goto(url) {
    return this.#firefox.send("browsingContext.navigate", { context: this.#context, url, wait: "complete" });
  }

  back() {
    return this.#firefox.send("browsingContext.traverseHistory", { context: this.#context, delta: -1 });
  }

  close() {
    return this.#firefox.send("browsingContext.close", { context: this.#context });
  }

  /** What an expression comes to, a promise waited for; a string, number, boolean or nothing. */
  async evaluate(expression) {
    const { type, result, exceptionDetails } = await this.#firefox.send("script.evaluate", { expression, target: { context: this.#context }, awaitPromise: true });
    if (type !== "success") throw new Error(exceptionDetails.text);
    return result.value;
  }

  /** Waits until the expression is true. */
  async until(expression, within = SHOWS_WITHIN) {
    const giveUp = Date.now() + within;
    for (;;) {
      const is = await this.evaluate(expression).catch(() => false); // A page that is being replaced evaluates nothing.
      if (is === true) return;
      if (Date.now() > giveUp) throw new Error(`not true within ${within} ms: ${expression}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }
}

async function addressOf({ stderr }) {
  const lines = [];
  const slow = setTimeout(() => stderr.destroy(new Error(`Firefox did not start:\n${lines.join("")}`)), STARTS_WITHIN);
  try {
    for await (const chunk of stderr) {
      lines.push(String(chunk));
      const address = lines.join("").match(/WebDriver BiDi listening on (ws:\/\/\S+)/)?.[1];
      if (address !== undefined) return address;
    }
  } finally {
    clearTimeout(slow);
  }
  throw new Error(`Firefox ended:\n${lines.join("")}`);
}
