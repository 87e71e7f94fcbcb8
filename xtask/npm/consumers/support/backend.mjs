// `tidings serve` as a real process: it carries the coaching events as it carries any others.
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../../../..");
const BINARY = process.env.TIDINGS_BINARY ?? resolve(ROOT, "target/debug/tidings");

/** The golden JSON of an event. */
export async function golden(name) {
  return JSON.parse(await readFile(resolve(ROOT, `bindings/fixtures/${name}.json`), "utf8"));
}

export class Backend {
  /** A server that ends with the test `t`; pages of `origins` may read from it. */
  static async start(t, ...origins) {
    const args = ["serve", "--listen", "127.0.0.1:0", "--store", "memory:", "--insecure-anyone", "--json", "--log", "error"];
    if (origins.length > 0) args.push("--origins", origins.join(","));
    const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout });
    const [line] = await Promise.race([
      new Promise((done) => lines.once("line", (text) => done([text]))),
      new Promise((_, fail) => child.once("error", fail).once("exit", (code) => fail(new Error(`tidings serve ended with ${code}`)))),
    ]);
    return new Backend(`http://${JSON.parse(line).listening}`, child);
  }

  #process;

  constructor(url, process) {
    this.#process = process;
    this.url = url;
    this.stream = `${url}/sse?user=anna`;
  }

  /** Sends an event to everyone; settles when it is committed. */
  async publish(event) {
    const answer = await fetch(`${this.url}/publish`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...event, audience: { everyone: true } }),
    });
    if (!answer.ok) throw new Error(`publish: ${answer.status} ${await answer.text()}`);
    return (await answer.json()).id;
  }

  /** Ends it as a crash would. */
  async kill() {
    const gone = new Promise((done) => this.#process.once("close", done));
    this.#process.kill("SIGKILL");
    await gone;
  }
}
