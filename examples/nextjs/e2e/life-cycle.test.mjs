// A stream ends, breaks, falls silent or is refused; a page sleeps, hides, leaves and returns; and what the client makes of it.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch } from "./support/browser.mjs";
import { launchWithCache, note, Reader } from "./support/streams.mjs";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** Delays of twenty seconds and more, so that an attempt within one has another cause. */
const PATIENT = [{ retry: { baseMs: 30 * SECOND } }, { seed: 0.1 }];
/** What a busy machine may add to a time. */
const SLACK = 500;

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

test("after eight hours of sleep there is one reconnection, from where the page was", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const stream = await reader.online();
  stream.note("ep-2", "Before the sleep");
  await reader.hears("Before the sleep");
  await reader.sleeps(8 * HOUR);
  // Bytes may have come and wait to be read: the stream has one heartbeat to prove that it lives.
  assert.equal(streams.requests.length, 1);
  await reader.sleeps(15 * SECOND);
  await stream.closed();
  const next = await streams.next();
  assert.equal(next.query.last_event_id, "ep-2");
  next.hello({ resumed: "replayed", id: "ep-2", until: "ep-3" });
  next.note("ep-3", "During the sleep");
  assert.deepEqual(await reader.hears("During the sleep"), ["Before the sleep", "During the sleep"]);
  await reader.lives(30 * SECOND);
  assert.equal((await reader.state()).status, "online");
  assert.equal(await reader.attempts(), 2);
  assert.equal(streams.requests.length, 2);
  assert.deepEqual(await reader.seen("resyncs"), ["initial"]);
});

test("a stream that proves after a sleep that it lives is kept", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const stream = await reader.online();
  await reader.sleeps(8 * HOUR);
  stream.note("ep-2", "Still here");
  await reader.hears("Still here");
  await reader.lives(30 * SECOND);
  assert.equal(await reader.attempts(), 1);
  assert.equal(stream.closedAt, null);
});

test("streams that end 200 ms after their hello come at ever longer intervals, until one has lived for ten seconds", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  // A draw in which each delay is clearly longer than the one before.
  await reader.begin({ retry: {} }, { seed: 0.116 });
  const delays = [];
  for (let count = 0; count < 6; count += 1) {
    const stream = await streams.next();
    stream.hello();
    await reader.becomes("online");
    await new Promise((done) => setTimeout(done, 200));
    stream.end();
    delays.push(await reader.waits());
    await reader.sleeps(delays.at(-1));
  }
  for (const [place, delay] of delays.entries()) assert.ok(place === 0 || delay > delays[place - 1], `${delays}`);
  assert.ok(delays.at(-1) > 10 * SECOND, `${delays}`);

  const healthy = await streams.next();
  healthy.hello();
  await reader.becomes("online");
  await reader.lives(10 * SECOND);
  healthy.end();
  assert.ok((await reader.waits()) <= SECOND);
});

test("a 204 closes the provider, and nothing more is tried", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const stream = await reader.online();
  stream.end();
  (await streams.next()).answer(204);
  assert.equal((await reader.becomes("closed")).reason, "server-204");
  await reader.lives(HOUR);
  assert.equal(await reader.attempts(), 2);
  assert.equal(streams.requests.length, 2);
});

for (const status of [302, 307]) {
  test(`a ${status} is followed, and the next attempt asks at the first address again`, async (t) => {
    const { streams, reader } = await Reader.open(t, browser);
    await reader.begin({ credentials: "include" });
    (await streams.next()).answer(status, { location: "/moved?tidings=1" });
    const moved = await streams.next();
    assert.equal(moved.path, "/moved");
    moved.hello();
    await reader.becomes("online");
    moved.note("ep-2", "From elsewhere");
    await reader.hears("From elsewhere");
    moved.end();
    const again = await streams.next();
    assert.equal(again.path, "/sse");
    assert.equal(again.query.last_event_id, "ep-2");
    assert.deepEqual((await reader.seen("errors")).map(({ code }) => code), ["stream_ended"]);
  });
}

test("a page instead of a stream is an outage that says wrong_content_type, and is tried again", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const stream = await reader.online();
  stream.end();
  (await streams.next()).answer(200, { "content-type": "text/html" }, "<p>Log in</p>");
  const next = await streams.next();
  assert.equal((await reader.becomes("reconnecting")).reason, "wrong_content_type");
  next.hello({ resumed: "replayed" });
  await reader.becomes("online");
  const errors = await reader.seen("errors");
  assert.deepEqual(errors.map(({ code }) => code), ["stream_ended", "wrong_content_type"]);
  assert.equal(errors[1].retryable, true);
});

test("a 503 with Retry-After is left alone for so long, whatever wakes the page", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  await reader.begin();
  const refused = await streams.next();
  refused.answer(503, { "retry-after": "2" });
  await reader.waits();
  await reader.page.evaluate(() => ["online", "focus"].forEach((name) => dispatchEvent(new Event(name))));
  const next = await streams.next();
  const waited = next.at - refused.at;
  assert.ok(waited >= 2 * SECOND, `${waited} ms`);
  assert.ok(waited <= 2 * SECOND + SLACK, `${waited} ms`);
  const [error] = await reader.seen("errors");
  assert.deepEqual([error.code, error.status], ["http_status", 503]);
});

test("an event that is cut anywhere comes whole after the reconnection, and once", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const whole = note("ep-2", "Cut in two");
  const cuts = [
    whole.indexOf("\n") + 1, // after its id
    whole.indexOf("Cut in") + 3, // in the midst of its data
    whole.length - 1, // before the empty line that ends it
  ];
  let stream = await reader.online();
  for (const cut of cuts) {
    await reader.reads(() => stream.raw(whole.slice(0, cut)));
    stream.cut();
    stream = await streams.next();
    assert.equal(stream.query.last_event_id, "ep-1");
    assert.deepEqual(await reader.seen("events"), []);
    stream.hello({ resumed: "replayed", id: "ep-1", until: "ep-2" });
    await reader.becomes("online");
  }
  stream.raw(whole);
  stream.note("ep-3", "Behind it");
  assert.deepEqual(await reader.hears("Behind it"), ["Cut in two", "Behind it"]);
  assert.deepEqual((await reader.seen("events")).map(({ replayed }) => replayed), [true, false]);
});

test("a page that leads its browser's tabs rests in the back/forward cache without a stream, and catches up once it is back", async (t) => {
  const cached = await launchWithCache();
  t.after(() => cached.close());
  const { streams, reader } = await Reader.open(t, cached);
  // With a lock, a channel and an open request: each of them may keep a page out of the cache.
  const stream = await reader.online({ identity: "anna" });
  assert.equal((await reader.state()).role, "leader");
  stream.note("ep-2", "Before it left");
  await reader.hears("Before it left");

  await reader.page.goto(`${streams.page}/away`);
  await stream.closed();
  assert.deepEqual(await reader.page.evaluate(async () => (await navigator.locks.query()).held), []);
  // Not `goBack()`: it waits for a load, and there is none.
  await reader.page.evaluate(() => history.back());
  const next = await streams.next();
  assert.deepEqual(await reader.seen("shows"), [false, true]);
  assert.equal(next.query.last_event_id, "ep-2");
  next.hello({ resumed: "replayed", id: "ep-2", until: "ep-3" });
  next.note("ep-3", "While it was away");
  next.note("ep-4", "Since it is back");
  // Of a page that was loaded again nothing would be left of what it heard before.
  assert.deepEqual(await reader.hears("Since it is back"), ["Before it left", "While it was away", "Since it is back"]);
  assert.equal((await reader.state()).role, "leader");
  assert.deepEqual(await reader.seen("resyncs"), ["initial"]);
  assert.equal(streams.requests.length, 2);
});

test("a hidden page keeps its stream, and one that is shown again tries at once", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const stream = await reader.online(...PATIENT);
  await reader.show("hidden");
  await reader.lives(30 * SECOND);
  stream.note("ep-2", "While hidden");
  await reader.hears("While hidden");
  assert.equal(await reader.attempts(), 1);
  stream.end();
  assert.ok((await reader.waits()) > 10 * SECOND);
  await reader.show("visible");
  const shown = Date.now();
  const next = await streams.next();
  assert.ok(next.at - shown < SECOND);
  assert.equal(await reader.attempts(), 2);
});

test("a page without a network is offline only once bytes stop, and tries once within a second when it is back", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const stream = await reader.online(...PATIENT);
  await reader.page.context().setOffline(true);
  await reader.page.waitForFunction(() => !navigator.onLine);
  stream.note("ep-2", "Whatever the device says");
  await reader.hears("Whatever the device says");
  assert.equal((await reader.state()).status, "online");
  stream.cut();
  assert.equal((await reader.becomes("offline")).reason, "connection_lost");
  assert.ok((await reader.waits()) > 10 * SECOND);
  const back = Date.now();
  await reader.page.context().setOffline(false);
  const next = await streams.next();
  assert.ok(next.at - back < SECOND);
  next.hello({ resumed: "replayed", id: "ep-2" });
  await reader.becomes("online");
  await reader.lives(30 * SECOND);
  assert.equal(await reader.attempts(), 2);
  assert.equal(streams.requests.length, 2);
});

test("an attempt that nobody answers is given up after connectMs, and another made", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const connectMs = SECOND;
  await reader.begin({ timeouts: { connectMs } });
  const silent = await streams.next();
  await silent.closed();
  const waited = silent.closedAt - silent.at;
  assert.ok(waited >= connectMs - SLACK && waited <= connectMs + SLACK, `${waited} ms`);
  const next = await streams.next();
  next.hello();
  await reader.becomes("online");
  assert.deepEqual((await reader.seen("errors")).map(({ code }) => code), ["connect_timeout"]);
});

test("a stream that falls silent is given up after 2.5 heartbeats, and one that does not is kept", async (t) => {
  const { streams, reader } = await Reader.open(t, browser);
  const heartbeat = 500;
  const stream = await reader.online({}, {}, { heartbeat });
  let last;
  for (let beat = 0; beat < 4; beat += 1) {
    await new Promise((done) => setTimeout(done, heartbeat));
    stream.raw(":\n");
    last = Date.now();
  }
  await stream.closed();
  const silence = stream.closedAt - last;
  assert.ok(silence >= 2.5 * heartbeat - 5, `after ${silence} ms`);
  assert.ok(silence <= 2.5 * heartbeat + SLACK, `after ${silence} ms`);
  const next = await streams.next();
  next.hello({ resumed: "replayed" });
  await reader.becomes("online");
  assert.deepEqual((await reader.seen("errors")).map(({ code }) => code), ["idle_timeout"]);
});
