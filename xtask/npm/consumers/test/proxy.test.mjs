// The README's nginx location, in an nginx that compresses all it can: an event passes as it is written.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { Backend, golden } from "../support/backend.mjs";

const README = resolve(import.meta.dirname, "../../../../client-wasm/README.md");

/** A port that was free a moment ago. */
async function freePort() {
  const probe = createServer();
  await new Promise((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address();
  await new Promise((done) => probe.close(done));
  return port;
}

async function nginx(t, location, upstream) {
  const folder = await mkdtemp(join(tmpdir(), "tidings-nginx-"));
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map((name) => `${name}_temp_path ${folder}/${name};`).join(" ");
  await writeFile(
    join(folder, "conf"),
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr;
     events {}
     http {
       access_log off; ${temporary}
       gzip on; gzip_types *; gzip_proxied any; gzip_min_length 1;
       upstream app { server ${upstream}; }
       server { listen 127.0.0.1:${port}; location / { proxy_pass http://app; } ${location} }
     }`,
  );
  const child = spawn("nginx", ["-c", join(folder, "conf"), "-p", folder, "-e", "stderr"], { stdio: ["ignore", "ignore", "inherit"] });
  t.after(async () => {
    child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  const deadline = Date.now() + 10_000;
  while (!(await fetch(`${url}/healthz`).catch(() => null))?.ok) {
    if (child.exitCode !== null || Date.now() > deadline) throw new Error("nginx does not listen: what it says is above");
    await new Promise((done) => setTimeout(done, 20));
  }
  return url;
}

test("an event passes nginx as the README configures it, uncompressed and at once", async (t) => {
  const location = /^```nginx\n([\s\S]*?)^```$/m.exec(await readFile(README, "utf8"))[1];
  const backend = await Backend.start(t);
  const url = await nginx(t, location, new URL(backend.url).host);
  const answer = await fetch(`${url}/sse?user=anna`, { headers: { accept: "text/event-stream", "accept-encoding": "gzip" }, signal: AbortSignal.timeout(10_000) });
  assert.equal(answer.headers.get("content-type"), "text/event-stream");
  assert.equal(answer.headers.get("content-encoding"), null, "it is not compressed");
  const event = await golden("note_created");
  let text = "";
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    if (text === "") await backend.publish(event);
    text += chunk;
    if (text.includes(event.data.note.id)) return;
  }
  assert.fail(`the stream ended before the event:\n${text}`);
});
