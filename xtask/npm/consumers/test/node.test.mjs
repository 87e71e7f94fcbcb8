// Plain Node ESM: no bundler, no loader, no flag.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { Backend, golden } from "../support/backend.mjs";
import { fresh, run } from "../support/project.mjs";

test("a plain Node project imports every entry, constructs as a server would, and receives one typed event", async (t) => {
  const folder = await fresh("node");
  const idle = await run(folder, process.execPath, ["as-server.mjs"]);
  assert.equal(idle, "idle\n", "on a server nothing connects and nothing keeps the process alive");

  const backend = await Backend.start(t);
  const child = spawn(process.execPath, ["receive.mjs", backend.stream], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  assert.equal(await next(), "online");
  const event = await golden("note_created");
  const id = await backend.publish(event);
  assert.deepEqual(JSON.parse(await next()), { id, body: event.data.note.body });
  assert.equal(await new Promise((done) => child.once("close", done)), 0, "and ends by itself once it is closed");
});
