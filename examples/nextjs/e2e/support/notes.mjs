// The server of shared notes as a real process, beside a coaching server.
import { spawn } from "node:child_process";
import { connect } from "node:net";
import { join, resolve } from "node:path";
import { end } from "./server.mjs";

const SERVER = resolve(import.meta.dirname, "../../../collaboration/server.mjs");

export class NotesServer {
  #process = null;
  #output = "";

  constructor(port, app) {
    this.port = port;
    this.app = app;
  }

  /** A server on `port` that keeps its texts beside the database of `app`; it ends with the test `t`. */
  static async start(t, port, app) {
    const server = new NotesServer(port, app);
    t.after(() => server.kill());
    await server.launch();
    return server;
  }

  async launch() {
    const child = spawn("node", [SERVER, "--port", String(this.port), "--app", this.app.url, "--documents", join(this.app.folder, "notes")], { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = child;
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (this.#output += chunk));
    const giveUp = Date.now() + 10_000;
    while (Date.now() < giveUp && child.exitCode === null) {
      if (await listens(this.port)) return;
      await new Promise((done) => setTimeout(done, 30));
    }
    throw new Error(`the server of shared notes did not start:\n${this.#output}`);
  }

  kill(name) {
    return end(this.#process, name);
  }
}

function listens(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      done(true);
    });
    socket.on("error", () => done(false));
  });
}
