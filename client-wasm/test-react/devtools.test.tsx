// @vitest-environment jsdom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { BackendEventDevtoolsPanel } from "../js/devtools.js";
import { createTestProvider, type TestProvider } from "../js/testing.js";
import { online, outage, type Events } from "./support/contract.js";

const START = 1_700_000_000_000;

let provider: TestProvider<Events>;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
  provider = createTestProvider<Events>();
  provider.setState(online(START));
  render(
    <StrictMode>
      <BackendEventDevtoolsPanel provider={provider} initiallyOpen />
    </StrictMode>,
  );
});
afterEach(() => {
  cleanup();
  expect(vi.getTimerCount()).toBe(0);
  expect(provider.inspect().handlers).toEqual({});
  vi.useRealTimers();
});

const list = (): HTMLElement => screen.getByRole("list", { name: "Events, the newest first" });
const rows = (): string[] => within(list()).queryAllByRole("listitem").map((row) => row.querySelector("b")!.textContent!);
const note = (body: string, meta = {}): void => act(() => provider.emit("note_created", { body }, meta));
const press = (name: string | RegExp): boolean => fireEvent.click(screen.getByRole("button", { name }));

it("lists what comes, the newest first, with its payload, its marks and how long it took", () => {
  expect(screen.getByText("Nothing has come yet.")).toBeTruthy();
  note("first", { sentAt: new Date(START - 12).toISOString(), receivedAt: START, replayed: true });
  act(() => provider.emitUnknown("comes_later", { a: 1 }));
  expect(rows()).toEqual(["comes_later", "note_created"]);
  const [newest, oldest] = within(list()).getAllByRole("listitem");
  expect(newest!.textContent).toContain("unknown");
  expect(oldest!.textContent).toContain("replayed");
  expect(oldest!.textContent).toContain("12 ms");
  expect(oldest!.querySelector("pre")!.textContent).toContain('"body": "first"');
});

it("finds events by their name and their payload", () => {
  note("apples");
  note("pears");
  fireEvent.change(screen.getByRole("searchbox", { name: "Filter events" }), { target: { value: "PEAR" } });
  expect(rows()).toEqual(["note_created"]);
  fireEvent.change(screen.getByRole("searchbox"), { target: { value: "plums" } });
  expect(screen.getByText("Nothing fits the filter.")).toBeTruthy();
});

it("stands still when told to, says what it does not show, and forgets", () => {
  note("seen");
  press("Pause");
  note("unseen");
  note("unseen");
  expect(rows()).toHaveLength(1);
  press("Go on (2 more)");
  note("seen");
  expect(rows()).toHaveLength(2);
  press("Clear");
  expect(rows()).toEqual([]);
});

it("keeps the last two hundred events and no more", () => {
  act(() => {
    for (let n = 0; n < 250; n += 1) provider.emit("note_created", { body: `note ${n}` });
  });
  expect(rows()).toHaveLength(200);
  expect(list().textContent).not.toContain("note 49");
});

it("shows how the connection did, and where it stands", () => {
  act(() => provider.setState(outage("reconnecting", START)));
  act(() => void vi.advanceTimersByTime(5_000));
  act(() => provider.setState(online(START + 5_000)));
  expect(screen.getByRole("img").getAttribute("aria-label")).toMatch(/online, reconnecting, online$/);
  expect(screen.getByText("online, solo")).toBeTruthy();
  const reconnect = vi.spyOn(provider, "reconnect").mockImplementation(() => {});
  press("Reconnect");
  expect(reconnect).toHaveBeenCalledOnce();
});

it("folds to a button that says the state", () => {
  press("Close");
  expect(screen.queryByRole("list")).toBeNull();
  press("Events: online");
  expect(list()).toBeTruthy();
});
