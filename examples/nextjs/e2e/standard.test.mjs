// The stream is a standard one: `EventSource` in a plain page and curl read it.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { Api } from "./support/api.mjs";
import { launch, person } from "./support/browser.mjs";
import { COACH, COACHEE, CoachingServer } from "./support/server.mjs";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("a standard EventSource reads events and their ids", async (t) => {
  const server = await CoachingServer.start(t);
  const asCoach = await Api.logIn(server.url, COACH);
  const { session } = await asCoach.seeded();
  const page = await person(t, browser, server.url, COACHEE);
  await page.goto("/icon.svg");
  const heard = page.evaluate(() => new Promise((done) => {
    const source = new EventSource("/sse");
    source.addEventListener("tidings:hello", () => (document.documentElement.dataset.hello = "said"));
    source.addEventListener("note_created", (event) => done({ id: event.lastEventId, ...JSON.parse(event.data) }));
  }));
  await page.waitForFunction(() => document.documentElement.dataset.hello === "said");
  await asCoach.call("POST", "/notes", { coaching_session_id: session.id, body: "For everyone's reader" });
  const event = await heard;
  assert.equal(event.type, "note_created");
  assert.equal(event.data.note.body, "For everyone's reader");
  assert.match(event.id, /^[A-Za-z0-9._~:-]+-\d+$/);
});

test("curl -N reads the same stream", async (t) => {
  const server = await CoachingServer.start(t);
  const [asCoach, asCoachee] = await Promise.all([COACH, COACHEE].map((who) => Api.logIn(server.url, who)));
  const { session } = await asCoach.seeded();
  const curl = spawn("curl", ["-sN", "-H", `cookie: ${asCoachee.cookie}`, `${server.url}/sse`], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => curl.kill());
  let text = "";
  const until = (pattern) => new Promise((done, fail) => {
    const look = () => pattern.test(text) && done();
    curl.stdout.on("data", look);
    curl.on("exit", () => fail(new Error(`curl ended after:\n${text}`)));
    look();
  });
  curl.stdout.on("data", (chunk) => (text += chunk));
  await until(/event: tidings:hello\ndata: \{.*\}\n\n/);
  await asCoach.call("POST", "/notes", { coaching_session_id: session.id, body: "For curl" });
  await until(/id: \S+\nevent: note_created\ndata: \{.*For curl.*\}\n\n/);
});
