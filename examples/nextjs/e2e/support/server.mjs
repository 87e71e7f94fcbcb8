// One coaching server as a real process, with a database and a port of its own.
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../../../..");
const BINARY = process.env.COACHING_BINARY ?? join(ROOT, "target/debug/coaching");
const ASSETS = resolve(import.meta.dirname, "../../out");

/** The seeded people; the server prints the same. */
export const COACH = { email: "coach@example.com", password: "coach-password" };
export const COACHEE = { email: "coachee@example.com", password: "coachee-password" };
export const ADMIN = { email: "admin@example.com", password: "admin-password" };

/** A port that was free a moment ago. */
export async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

/** Ends a process that may have ended, and waits until it is gone. */
export async function end(child, name = "SIGKILL") {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((done) => child.once("exit", done));
  child.kill(name);
  await gone;
}

export class CoachingServer {
  #process = null;
  #output = "";

  constructor(port, folder, args) {
    this.port = port;
    this.folder = folder;
    this.args = args;
    this.url = `http://127.0.0.1:${port}`;
  }

  /** A server with an empty database; it ends with the test `t`. */
  static async start(t, ...args) {
    const folder = await mkdtemp(join(tmpdir(), "coaching-"));
    const server = new CoachingServer(await freePort(), folder, args);
    t.after(async () => {
      await server.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    });
    await server.launch();
    return server;
  }

  async launch() {
    const args = ["--listen", `127.0.0.1:${this.port}`, "--assets", ASSETS, "--database", join(this.folder, "coaching.sqlite"), ...this.args];
    const child = spawn(BINARY, args, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (this.#output += chunk));
    child.on("error", (error) => (this.#output += `${error}\n`));
    const deadline = Date.now() + 30_000;
    while (Date.now() < deadline) {
      if (child.exitCode !== null || child.signalCode !== null) break;
      const answer = await fetch(`${this.url}/users/me`, { signal: AbortSignal.timeout(2_000) }).catch(() => null);
      if (answer?.status === 401) return;
      await new Promise((done) => setTimeout(done, 30));
    }
    throw new Error(`the coaching server did not start (cargo build -p coaching builds it):\n${this.#output}`);
  }

  signal(name) {
    this.#process.kill(name);
  }

  /** Copies the database of a server that does not run. */
  async backUp() {
    await mkdir(this.#backup);
    await Promise.all((await this.#files()).map((name) => cp(join(this.folder, name), join(this.#backup, name))));
  }

  /** Puts the copy in its place. */
  async restore() {
    await Promise.all((await this.#files()).map((name) => rm(join(this.folder, name))));
    await cp(this.#backup, this.folder, { recursive: true });
  }

  get #backup() {
    return join(this.folder, "backup");
  }

  async #files() {
    return (await readdir(this.folder)).filter((name) => name.startsWith("coaching.sqlite"));
  }

  kill(name) {
    return end(this.#process, name);
  }
}
