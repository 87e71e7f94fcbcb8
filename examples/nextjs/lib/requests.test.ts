import { afterEach, expect, it, vi } from "vitest";
import { ApiFailure, call } from "./api";
import { CoachingApi } from "./coaching-api";
import { applicationErrorToast, failureToast } from "./failure-toast";
import { FirstCursor } from "./first-cursor";
import { OwnRequests } from "./own-requests";
import type { Action } from "./entities";

const respond = (status: number, body: string, headers: Record<string, string> = {}) => vi.spyOn(globalThis, "fetch").mockResolvedValue(new Response(body, { status, headers }));
const failing = (path = "/x") => call(path, { correlationId: "c1" }).then(() => null, (failure: unknown) => failure as ApiFailure);

afterEach(() => vi.restoreAllMocks());

it("an answer is unwrapped and comes with its cursor", async () => {
  respond(200, `{"status_code":200,"data":[1]}`, { "Tidings-Cursor": "epoch-7" });
  expect(await call("/x", {})).toEqual({ data: [1], cursor: "epoch-7" });
});

it("a request names its origin and its correlation id", async () => {
  const fetched = respond(201, `{"status_code":201,"data":{"id":"a"}}`);
  await new CoachingApi("origin-1").createAction({ coaching_session_id: "s", body: "b", status: "NotStarted" } as Action, "c1");
  const [path, sent] = fetched.mock.calls[0] ?? [];
  expect(path).toBe("/actions");
  expect(sent?.headers).toMatchObject({ "x-tidings-origin": "origin-1", "x-correlation-id": "c1" });
  expect(JSON.parse(String(sent?.body))).toEqual({ coaching_session_id: "s", body: "b", status: "NotStarted" });
});

it("a conflict carries what the server has", async () => {
  respond(409, `{"status_code":409,"error":{"code":"conflict","message":"Newer","current":{"id":"a"}}}`);
  expect(await failing()).toMatchObject({ code: "conflict", message: "Newer", current: { id: "a" }, correlationId: "c1" });
});

it.each([[401, "unauthorized"], [403, "permission_lost"], [404, "not_found"], [422, "validation_failed"], [502, "failed"]])("status %i without a body of ours is %s", async (status, code) => {
  respond(status, "<html>Bad gateway</html>");
  expect(await failing()).toMatchObject({ code, status });
});

it("no answer at all is unreachable", async () => {
  vi.spyOn(globalThis, "fetch").mockRejectedValue(new TypeError("Failed to fetch"));
  expect(await failing()).toMatchObject({ code: "unreachable", status: null });
});

it("a refusal and the application error about the same request are one toast", () => {
  const refusal = failureToast(new ApiFailure("conflict", "Newer", 409, "c1"));
  const event = applicationErrorToast({ code: "conflict", message: "Newer", about: null, correlation_id: "c1", retryable: false });
  expect(event.key).toBe(refusal.key);
});

it("a validation names its field for code, and reads as a sentence", async () => {
  respond(422, `{"error":{"code":"validation_failed","message":"body: must not be empty"}}`);
  expect((await failing())?.message).toBe("Must not be empty.");
  const event = applicationErrorToast({ code: "validation_failed", message: "body: must not be empty", about: null, correlation_id: null, retryable: false });
  expect(event.message).toBe("Must not be empty.");
});

it("own and uncorrelated errors concern this tab, others do not", () => {
  const requests = new OwnRequests();
  const mine = requests.next();
  expect([requests.concerns(mine), requests.concerns(null), requests.concerns("another tab's")]).toEqual([true, true, false]);
});

it("the oldest own requests are forgotten", () => {
  const requests = new OwnRequests();
  const first = requests.next();
  for (let n = 0; n < 200; n += 1) requests.next();
  expect(requests.concerns(first)).toBe(false);
});

it("only the first load hands its cursor to the stream", async () => {
  const first = new FirstCursor();
  first.offer("epoch-7");
  first.offer("epoch-9");
  expect(await first.cursor).toBe("epoch-7");
});
