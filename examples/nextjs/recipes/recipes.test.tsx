// @vitest-environment jsdom
// Both recipes keep the same promises.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import type { Action } from "@tidings/coaching-events";
import { BackendEventProvider, useBackendEvent } from "@tidings/coaching-events/react";
import { createTestProvider } from "@tidings/coaching-events/testing";
import { StrictMode, useState, type ReactNode } from "react";
import useSWR, { SWRConfig, useSWRConfig } from "swr";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { FetchActions } from "./actions";
import * as swr from "./swr";
import * as tanstack from "./tanstack-query";

const action = (id: string, body: string, session = "s"): Action => ({
  id, body, coaching_session_id: session, user_id: "u", status: "NotStarted", assignee_ids: [], status_changed_at: "", created_at: "", updated_at: "",
});

/** A server whose answers the test gives: the n-th fetch gets the n-th. */
class Server {
  readonly #waiting: { answer: (list: Action[]) => void; fail: (error: Error) => void }[] = [];
  fetches = 0;
  readonly fetch: FetchActions = () => {
    this.fetches += 1;
    return new Promise((answer, fail) => this.#waiting.push({ answer, fail }));
  };
  async answers(...list: Action[]): Promise<void> {
    await waitFor(() => expect(this.#waiting.length).toBeGreaterThan(0));
    await act(async () => this.#waiting.shift()!.answer(list));
  }
  async fails(): Promise<void> {
    await waitFor(() => expect(this.#waiting.length).toBeGreaterThan(0));
    await act(async () => this.#waiting.shift()!.fail(new Error("away")));
  }
}

const shown = () => screen.queryAllByRole("listitem").map(({ textContent }) => textContent);
const becomes = (...bodies: string[]) => waitFor(() => expect(shown()).toEqual(bodies));
const press = (name: string) => act(async () => void fireEvent.click(screen.getByRole("button", { name })));

function FreshSwr({ children }: { children: ReactNode }) {
  return <SWRConfig value={{ provider: () => new Map(), dedupingInterval: 0, shouldRetryOnError: false }}>{children}</SWRConfig>;
}
function FreshQueries({ children }: { children: ReactNode }) {
  const [queries] = useState(() => new QueryClient());
  return <QueryClientProvider client={queries}>{children}</QueryClientProvider>;
}

let provider: ReturnType<typeof createTestProvider>;
let server: Server;
beforeEach(() => {
  provider = createTestProvider();
  server = new Server();
});
afterEach(cleanup);

describe.each([
  { name: "SWR", ...swr, Fresh: FreshSwr },
  { name: "TanStack Query", ...tanstack, Fresh: FreshQueries },
])("$name", ({ useActions, LiveActions, Fresh }) => {
  function List() {
    const { data, error, ...rest } = useActions("s", server.fetch);
    const again = "mutate" in rest ? () => void rest.mutate() : () => void rest.refetch();
    return (
      <>
        {error && <p role="alert">{error.message}</p>}
        <ul>{data?.map(({ id, body }) => <li key={id}>{body}</li>)}</ul>
        <button onClick={again}>again</button>
      </>
    );
  }
  function Page() {
    const [open, setOpen] = useState(true);
    return (
      <>
        <LiveActions />
        {open && <List />}
        <button onClick={() => setOpen(!open)}>toggle</button>
      </>
    );
  }
  const open = () => render(<StrictMode><BackendEventProvider provider={provider}><Fresh><Page /></Fresh></BackendEventProvider></StrictMode>);
  const tell = (told: () => void) => act(async () => told());

  it("shows what comes during the first load after what was loaded", async () => {
    open();
    await waitFor(() => expect(server.fetches).toBe(1));
    await tell(() => provider.emit("action_created", { coaching_session_id: "s", action: action("2", "came meanwhile") }));
    await server.answers(action("1", "loaded"));
    await becomes("loaded", "came meanwhile");
    expect(server.fetches).toBe(1);
  });

  it("patches what comes, in its place, and fetches nothing; a repeat and another session change nothing", async () => {
    open();
    await server.answers(action("1", "one"), action("2", "two"));
    await becomes("one", "two");
    await tell(() => provider.emit("action_created", { coaching_session_id: "s", action: action("3", "three") }));
    await tell(() => provider.emit("action_created", { coaching_session_id: "s", action: action("3", "three") }));
    await tell(() => provider.emit("action_updated", { coaching_session_id: "s", action: action("1", "one, changed") }));
    await tell(() => provider.emit("action_created", { coaching_session_id: "t", action: action("4", "elsewhere", "t") }));
    await becomes("one, changed", "two", "three");
    await tell(() => provider.emit("action_deleted", { coaching_session_id: "s", action_id: "2" }));
    await becomes("one, changed", "three");
    expect(server.fetches).toBe(1);
  });

  it("fetches again on a resync, once, and holds events meanwhile", async () => {
    open();
    await server.answers(action("1", "one"));
    await becomes("one");
    await tell(() => provider.resync("retention"));
    await waitFor(() => expect(server.fetches).toBe(2));
    await tell(() => provider.emit("action_created", { coaching_session_id: "s", action: action("3", "came meanwhile") }));
    await server.answers(action("1", "one"), action("2", "missed"));
    await becomes("one", "missed", "came meanwhile");
    expect(server.fetches).toBe(2);
  });

  it("keeps a list true that no page shows", async () => {
    open();
    await server.answers(action("1", "one"));
    await becomes("one");
    await press("toggle");
    await tell(() => provider.emit("action_created", { coaching_session_id: "s", action: action("2", "while away") }));
    await press("toggle");
    await becomes("one", "while away");
  });

  it("shows a failed load, and one that is tried again", async () => {
    open();
    await server.fails();
    await screen.findByText("away");
    await press("again");
    await server.answers(action("1", "one"));
    await becomes("one");
    await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
  });

  it("leaves no handler behind", async () => {
    const { unmount } = open();
    await server.answers();
    expect(provider.inspect().handlers).toMatchObject({ action_created: 1 });
    unmount();
    expect(provider.inspect().handlers).toEqual({});
  });
});

it("without load, what comes during the first load is lost", async () => {
  function Naive() {
    const { data } = useSWR(["actions", "s"], () => server.fetch("s", new AbortController().signal), { revalidateOnFocus: false });
    const { mutate } = useSWRConfig();
    useBackendEvent("action_created", ({ action: created }) => mutate(["actions", "s"], (list?: Action[]) => list && [...list, created], { revalidate: false }));
    return <ul>{data?.map(({ id, body }) => <li key={id}>{body}</li>)}</ul>;
  }
  render(<BackendEventProvider provider={provider}><FreshSwr><Naive /></FreshSwr></BackendEventProvider>);
  await waitFor(() => expect(server.fetches).toBe(1));
  await act(async () => provider.emit("action_created", { coaching_session_id: "s", action: action("2", "came meanwhile") }));
  await server.answers(action("1", "loaded"));
  await act(async () => undefined);
  expect(shown()).toEqual([]); // SWR even drops the answer, since its key was written to while it was under way.
});
