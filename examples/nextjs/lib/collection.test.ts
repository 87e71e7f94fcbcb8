import { describe, expect, it } from "vitest";
import { answer, begin, empty, patch, refuse, remove, replace, rows, settle, type Change } from "./collection";

interface Line {
  readonly id: string;
  readonly body: string;
  readonly created_at: string;
  readonly updated_at: string;
}

const line = (id: string, body: string, second: number): Line => ({ id, body, created_at: "2026-11-23T10:00:00Z", updated_at: `2026-11-23T10:00:${String(second).padStart(2, "0")}Z` });
const bodies = (collection: Parameters<typeof rows<Line>>[0]) => rows(collection).map(({ entity }) => entity.body);
const put = (id: string, entity: Line): Change<Line> => ({ kind: "put", id, entity });

describe("patch", () => {
  it("twice is once", () => {
    const once = patch(empty<Line>(), line("a", "one", 1));
    expect(bodies(patch(once, line("a", "one", 1)))).toEqual(["one"]);
  });

  it("leaves the newer entity in place", () => {
    const newer = patch(empty<Line>(), line("a", "new", 2));
    expect(patch(newer, line("a", "old", 1))).toBe(newer);
  });

  it("tells two updates of one millisecond apart", () => {
    const at = (fraction: string, body: string): Line => ({ ...line("a", body, 1), updated_at: `2026-11-23T10:00:01.${fraction}Z` });
    const newer = patch(empty<Line>(), at("123456789", "new"));
    expect(bodies(patch(newer, at("1234", "old")))).toEqual(["new"]);
    expect(bodies(patch(newer, at("12345679", "newest")))).toEqual(["newest"]);
  });

  it("does not bring back what was removed", () => {
    const removed = remove(patch(empty<Line>(), line("a", "one", 1)), "a");
    expect(bodies(patch(removed, line("a", "late", 2)))).toEqual([]);
  });

  it("lets a link come back, which has no versions", () => {
    const unlinked = remove(patch(empty<{ id: string }>(), { id: "goal" }), "goal");
    expect(rows(patch(unlinked, { id: "goal" }))).toHaveLength(1);
  });
});

describe("replace", () => {
  it("drops what the server no longer has", () => {
    expect(bodies(replace(patch(empty<Line>(), line("a", "gone", 1)), [line("b", "there", 1)]))).toEqual(["there"]);
  });

  it("keeps what an answer made newer while the load was under way", () => {
    expect(bodies(replace(patch(empty<Line>(), line("a", "answered", 5)), [line("a", "loaded", 1)]))).toEqual(["answered"]);
  });

  it("keeps the changes that are not answered yet", () => {
    const pending = begin(empty<Line>(), put("c1", line("new", "mine", 9)));
    expect(bodies(replace(pending, [line("a", "theirs", 1)]))).toEqual(["theirs", "mine"]);
  });
});

describe("a change of this tab", () => {
  const before = patch(empty<Line>(), line("a", "before", 1));
  const change = put("c1", { ...line("a", "after", 1) });

  it("is shown at once, and marked", () => {
    expect(rows(begin(before, change))).toEqual([{ entity: line("a", "after", 1), saving: true }]);
  });

  it("is undone when it is refused", () => {
    expect(refuse(begin(before, change), "c1", null)).toEqual(before);
  });

  it("gives way to what the server has when it is refused for that", () => {
    expect(bodies(refuse(begin(before, change), "c1", line("a", "theirs", 3)))).toEqual(["theirs"]);
  });

  it("that creates something shows it once, whether the answer or the event comes first", () => {
    const create = put("c1", line("new-1", "made", 1));
    const made = line("a", "made", 2);
    const eventFirst = answer(patch(settle(begin(empty<Line>(), create), "c1"), made), create, made);
    const answerFirst = patch(answer(begin(empty<Line>(), create), create, made), made);
    expect(bodies(eventFirst)).toEqual(["made"]);
    expect(bodies(answerFirst)).toEqual(["made"]);
  });

  it("that removes something hides it, and brings it back when it is refused", () => {
    const hidden = begin(before, { kind: "remove", id: "c1", entityId: "a" });
    expect(bodies(hidden)).toEqual([]);
    expect(bodies(refuse(hidden, "c1", null))).toEqual(["before"]);
    expect(bodies(answer(hidden, { kind: "remove", id: "c1", entityId: "a" }, null))).toEqual([]);
  });

  it("without an entity in its answer leaves nothing unnamed behind", () => {
    const create = put("c1", line("new-1", "made", 1));
    expect(bodies(answer(begin(empty<Line>(), create), create, null))).toEqual([]);
    expect(bodies(answer(begin(before, change), change, null))).toEqual(["after"]);
  });
});

it("what is remembered of removals and answers is bounded", () => {
  let collection = empty<Line>();
  for (let n = 0; n < 1_500; n += 1) {
    const change: Change<Line> = { kind: "remove", id: `c${n}`, entityId: `e${n}` };
    collection = answer(begin(collection, change), change, null);
  }
  expect(collection.removed.size).toBe(1_000);
  expect(collection.answered).toHaveLength(1_000);
});
