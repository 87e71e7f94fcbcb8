// The notes that both write together, and the two connections of the page as one status.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, online, person, screenshot } from "./support/browser.mjs";
import { NotesServer } from "./support/notes.mjs";
import { room } from "./support/room.mjs";
import { ADMIN, freePort } from "./support/server.mjs";

/** The server asks every 5 s whether those who are connected still may be. */
const ACCESS_LOST_WITHIN = 8_000;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

const text = (page) => page.getByTestId("shared-notes-text");
const status = (page, name) => page.locator(`[data-testid=connection-status][data-status=${name}]`).waitFor({ state: "attached", timeout: 15_000 });
const partner = (page, presence) => page.locator(`[data-testid=partner][data-presence=${presence}]`).waitFor();
const shows = (page, words) => text(page).filter({ hasText: words }).waitFor({ timeout: 15_000 });
const synced = (page) => page.locator("[data-testid=shared-notes][data-unsynced=false]").waitFor({ timeout: 15_000 });

async function write(page, words) {
  await text(page).click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type(`${words} `);
}

test("both write one text, it outlives every process, and without its server it goes on and is synced later", async (t) => {
  const port = await freePort();
  const notes = { server: null };
  const through = async (server) => {
    notes.server = await NotesServer.start(t, port, server);
    return server.url;
  };
  const { server, coach, coachee } = await room(t, browser, { args: ["--notes-port", String(port)], through });

  await write(coach, "What we found out.");
  await shows(coachee, "What we found out.");
  await synced(coach);
  await partner(coachee, "writing");
  assert.equal(await coachee.getByText("Writing notes").count(), 1, "presence is shown once");
  await screenshot(coachee, "notes-writing");
  await coach.getByTestId("session-title").click();
  await partner(coachee, "online");

  await notes.server.kill();
  await status(coach, "editing-offline");
  await screenshot(coach, "notes-editing-offline");
  await write(coach, "Written without a server.");
  await coach.locator("[data-testid=shared-notes][data-unsynced=true]").waitFor();
  await write(coachee, "Meanwhile elsewhere.");
  await notes.server.launch();
  await text(coach).scrollIntoViewIfNeeded();
  await screenshot(coach, "notes-unsynced");
  await coach.getByTestId("retry-now").click();
  await status(coach, "online");
  await Promise.all([shows(coachee, "Written without a server."), shows(coach, "Meanwhile elsewhere.")]);
  await synced(coach);

  await notes.server.kill("SIGTERM");
  await server.kill();
  await server.launch();
  await notes.server.launch();
  await coachee.reload();
  await shows(coachee, "What we found out.");
  await shows(coachee, "Written without a server.");
  await coachee.getByTestId("theme-switch").click();
  await text(coachee).scrollIntoViewIfNeeded();
  await screenshot(coachee, "notes-dark");
  for (const page of [coach, coachee]) assert.deepEqual(page.complaints, []);
});

test("who has no log-in gets no connection, and who loses it loses the text too", async (t) => {
  const port = await freePort();
  const through = async (server) => {
    await NotesServer.start(t, port, server);
    return server.url;
  };
  const { server, session, coach, coachee, asAdmin, relationship } = await room(t, browser, { args: ["--notes-port", String(port)], through });
  await write(coach, "Not for everybody.");
  await shows(coachee, "Not for everybody.");

  assert.equal(await outcomeOf(await person(t, browser, server.url, {}), port, session.id), "closed", "a stranger");
  const admin = await person(t, browser, server.url, {});
  await admin.request.post("/login", { form: ADMIN });
  assert.equal(await outcomeOf(admin, port, session.id), "permission-denied", "a person of another pair");
  assert.equal(await outcomeOf(admin, port, "../secrets"), "permission-denied", "what is no session");

  // It belongs to no app that would close it.
  const elsewhere = await coachee.context().newPage();
  await elsewhere.goto("/icon.svg");
  await elsewhere.evaluate(connection, [port, session.id, "stays"]);
  const cut = elsewhere.evaluate(() => window.closed_by_server);
  const ended = Date.now();
  await asAdmin.call("POST", `/admin/force_logout/${relationship.coachee_id}`);
  await coachee.getByTestId("farewell").waitFor();
  assert.equal(await cut, 4403);
  assert.ok(Date.now() - ended < ACCESS_LOST_WITHIN, `cut after ${Date.now() - ended} ms`);
  assert.equal(await outcomeOf(coachee, port, session.id), "closed", "somebody whose log-ins were ended");
  await online(coach);
});

/** What becomes of a connection to the text that a page opens by itself. */
async function outcomeOf(page, port, document) {
  if (page.url() === "about:blank") await page.goto("/sign-in");
  return page.evaluate(connection, [port, document]);
}

/** Speaks just enough of the protocol to ask for a document: its name, message 2 (auth), 0 (token), the token. */
function connection([port, document, stays]) {
  return new Promise((done) => {
    const socket = new WebSocket(`ws://${location.hostname}:${port}`);
    socket.binaryType = "arraybuffer";
    const string = (words) => [words.length, ...new TextEncoder().encode(words)];
    socket.onopen = () => socket.send(new Uint8Array([...string(document), 2, 0, ...string("cookie")]));
    window.closed_by_server = new Promise((closed) => (socket.onclose = ({ code }) => {
      closed(code);
      done("closed");
    }));
    socket.onmessage = ({ data }) => {
      const said = new TextDecoder().decode(data);
      if (said.includes("permission-denied")) done("permission-denied");
      else if (stays && said.includes("read-write")) done("open");
    };
  });
}
