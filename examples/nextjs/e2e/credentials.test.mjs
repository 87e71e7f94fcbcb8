// Who a page is to an event stream of another origin: by its cookie, or by what `auth` gives.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./support/browser.mjs";
import { Reader } from "./support/streams.mjs";

const HOUR = 3_600_000;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("with a cookie to another origin the cursor is in the query, and no connect asks for a preflight", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const first = await reader.online({ credentials: "include" });
  assert.deepEqual(first.query, { tidings: "1" });
  assert.equal(first.headers.cookie, "session=anna");
  first.note("ep-2", "One");
  await reader.hears("One");
  first.end();

  const second = await streams.next();
  assert.deepEqual(second.query, { tidings: "1", connection: "c1", last_event_id: "ep-2" });
  assert.equal(second.headers.cookie, "session=anna");
  assert.equal(second.headers["last-event-id"], undefined);
  second.hello({ resumed: "replayed", id: "ep-2" });
  second.note("ep-3", "Two");
  assert.deepEqual(await reader.hears("Two"), ["One", "Two"]);
  assert.equal(streams.preflights, 0);
});

test("with an Authorization header to another origin the address stays, and one preflight serves two connects", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const first = await reader.online({}, { tokens: true });
  assert.equal(first.headers.authorization, "Bearer 1");
  assert.equal(streams.preflights, 1);
  first.note("ep-2", "One");
  await reader.hears("One");
  // Longer than the five seconds for which Chromium remembers an answer that does not say how long.
  first.goodbye("lifetime", 5_500);

  const second = await streams.next(8_000);
  assert.ok(second.at - first.closedAt > 5_000);
  assert.equal(second.url, first.url);
  assert.equal(second.url, "/sse?tidings=1");
  assert.equal(second.headers.authorization, "Bearer 2");
  assert.equal(second.headers["last-event-id"], "ep-2");
  assert.equal(second.headers["tidings-connection"], "c1");
  second.hello({ resumed: "replayed", id: "ep-2" });
  second.note("ep-3", "Two");
  assert.deepEqual(await reader.hears("Two"), ["One", "Two"]);
  assert.equal(streams.preflights, 1);
});

const LEAVES = [
  ["connect()", () => provider.connect(), "ep-1"],
  ["setIdentity()", () => provider.setIdentity("ben"), undefined],
];
for (const [name, leave, cursor] of LEAVES) {
  test(`auth is asked before every attempt, once more after a 401, and then nothing is tried until ${name}`, async (t) => {
    const { streams, reader } = await Reader.open(t, browser);
    const taken = async (token) => {
      const exchange = await streams.next();
      assert.equal(exchange.headers.authorization, token);
      return exchange;
    };
    await reader.begin({ identity: "anna", sharing: "off" }, { tokens: true });
    const stream = await taken("Bearer 1");
    stream.hello();
    await reader.becomes("online");
    stream.end();
    (await taken("Bearer 2")).answer(401);
    (await taken("Bearer 3")).answer(401);
    assert.equal((await reader.becomes("unauthorized")).reason, "unauthorized");
    assert.deepEqual(await reader.seen("asks"), ["connect", "connect", "rejected"]);

    await reader.lives(HOUR);
    assert.equal(await reader.attempts(), 3);
    assert.equal((await reader.seen("asks")).length, 3);
    assert.equal(streams.requests.length, 3);

    await reader.page.evaluate(leave);
    const again = await taken("Bearer 4");
    assert.equal(again.headers["last-event-id"], cursor);
    again.hello();
    await reader.becomes("online");
    assert.deepEqual(await reader.seen("asks"), ["connect", "connect", "rejected", "connect"]);
  });
}
