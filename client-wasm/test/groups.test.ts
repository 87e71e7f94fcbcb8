// Groups that a page follows for a while.
import { expect, it } from "vitest";
import { usePage } from "./support/page.js";
import { online, stage } from "./support/provider.js";
import { quiet, type Connection } from "./support/server.js";

usePage();

const wanted = ({ init }: Connection): unknown => (JSON.parse(String(init.body)) as { groups: unknown }).groups;
const answer = (request: Connection, refused: string[] = []): void => request.answer(200, {}, JSON.stringify({ refused }));

it("is part of the request when it is followed before there is a stream", async () => {
  const { provider, server } = stage({ groups: ["a"] });
  provider.follow("b");
  expect((await server.next()).url.searchParams.get("groups")).toBe("a,b");
});

it("is asked for while the stream is open, and no more once nobody follows it", async () => {
  const { provider, server } = await online({ groups: ["a"] });
  const [one, two] = [provider.follow("b"), provider.follow("b")];
  const more = await server.next();
  expect([more.init.method, more.url.pathname, more.url.searchParams.get("connection")]).toEqual(["POST", "/sse/groups", "c1"]);
  expect(wanted(more)).toEqual(["a", "b"]);
  answer(more);
  one();
  one();
  await quiet();
  two();
  const less = await server.next();
  expect(wanted(less)).toEqual(["a"]);
  answer(less);
  expect(server.requests).toBe(3);
});

it("costs nothing where all groups are read, or where it ends at once", async () => {
  const all = await online();
  all.provider.follow("b");
  const some = await online({ groups: ["a"] });
  some.provider.follow("b")();
  await quiet();
  expect([all.server.requests, some.server.requests]).toEqual([1, 1]);
});

it("that the user may not read is told to onError", async () => {
  const { provider, server, errors } = await online({ groups: ["a"] });
  provider.follow("board");
  answer(await server.next(), ["board"]);
  await quiet();
  expect(errors).toMatchObject([{ kind: "auth", code: "group_refused", retryable: false }]);
  expect(provider.state.status).toBe("online");
});

it.each([
  ["a server in trouble", (request: Connection) => request.answer(503)],
  ["a network that fails", (request: Connection) => request.refuse()],
  ["an answer that is none", (request: Connection) => request.answer(200, {}, "<html>")],
])("is asked for again after %s, later each time", async (_, fail) => {
  const { provider, server, clock } = await online({ groups: ["a"] });
  provider.follow("b");
  fail(await server.next());
  await quiet();
  clock.advance(1_000);
  fail(await server.next());
  await quiet();
  clock.advance(1_999);
  expect(server.requests).toBe(3);
  clock.advance(1);
  const third = await server.next();
  expect(wanted(third)).toEqual(["a", "b"]);
});

it("is asked for once the request before it is over, so that the last word is the last to arrive", async () => {
  const { provider, server } = await online({ groups: ["a"] });
  const leave = provider.follow("b");
  const first = await server.next();
  leave();
  provider.follow("c");
  await quiet();
  expect(server.requests).toBe(2);
  answer(first);
  const second = await server.next();
  expect([wanted(first), wanted(second)]).toEqual([["a", "b"], ["a", "c"]]);
});

it("is named as new where the stream was lost before it was covered, and no more once it was", async () => {
  const { provider, server, connection, clock } = await online({ groups: ["a"] });
  provider.follow("b");
  answer(await server.next());
  const again = async (stream: Connection): Promise<Connection> => {
    await stream.end();
    clock.advance(5_000);
    return server.next();
  };
  const second = await again(connection);
  expect([second.url.searchParams.get("groups"), second.url.searchParams.get("known")]).toEqual(["a,b", "a"]);
  await second.hello({ resumed: "replayed", until: "ep-1" });
  const resyncs: string[] = [];
  provider.onResync((reason) => void resyncs.push(reason));
  await second.gap("ep-1", "rights", ["b"]);
  const third = await again(second);
  expect([third.url.searchParams.get("groups"), third.url.searchParams.get("known")]).toEqual(["a,b", null]);
  await third.hello({ resumed: "replayed", until: "ep-1" });
  await third.write("tidings:unfollowed", {}, "ep-1", ["b"]);
  const fourth = await again(third);
  expect([fourth.url.searchParams.get("groups"), fourth.url.searchParams.get("known")]).toEqual(["a,b", "a"]);
  // Once it was covered, and once the user lost it.
  expect(resyncs).toEqual(["rights", "rights"]);
});

it("is left to the next stream where its own ends before the server has answered", async () => {
  const { provider, server, connection, clock } = await online({ groups: ["a"] });
  provider.follow("b");
  const first = await server.next();
  first.answer(503);
  await quiet();
  clock.advance(1_000);
  const hangs = await server.next();
  // A planned end that no page sees.
  await connection.write("tidings:goodbye", { reason: "lifetime", reconnect_after_ms: 0 }, null);
  clock.advance(1_000);
  const second = await server.next();
  expect([hangs.init.signal?.aborted, second.url.searchParams.get("groups")]).toEqual([true, "a,b"]);
  await second.hello({ resumed: "replayed", until: "ep-1" });
  clock.advance(5_000);
  await quiet();
  expect([server.requests, provider.state.status]).toEqual([4, "online"]);
  provider.follow("c");
  expect(wanted(await server.next())).toEqual(["a", "b", "c"]);
});

it("comes with a new stream where the server knows this one no more", async () => {
  const { provider, server } = await online({ groups: ["a"] });
  provider.follow("b");
  (await server.next()).answer(404);
  const again = await server.next();
  expect([again.init.method, again.url.searchParams.get("groups")]).toEqual([undefined, "a,b"]);
  await again.hello({ resumed: "replayed", until: "ep-1" });
  await quiet();
  expect(server.requests).toBe(3);
});
