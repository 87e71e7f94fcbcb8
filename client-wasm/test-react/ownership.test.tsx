// @vitest-environment jsdom
import { act, cleanup, render } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createBackendEventHooks } from "../js/react.js";
import type { BackendEventProviderOptions } from "../js/types.js";
import { countingContract, error, online, type Events } from "./support/contract.js";

type Options = BackendEventProviderOptions<Events>;

function setUp() {
  const contract = countingContract();
  const hooks = createBackendEventHooks<Events>(contract);
  const Page = ({ options, enabled }: { options: Options; enabled?: boolean }): ReactNode => (
    <hooks.BackendEventProvider options={options} enabled={enabled}>
      <Listener />
    </hooks.BackendEventProvider>
  );
  const heard: string[] = [];
  function Listener(): null {
    hooks.useBackendEvent("note_created", ({ body }) => void heard.push(body));
    return null;
  }
  return { contract, hooks, Page, heard };
}

async function settle(act_: () => void): Promise<void> {
  await act(async () => act_());
}

afterEach(cleanup);

describe("a provider made of options", () => {
  it("is opened once under StrictMode and closed after the unmount", async () => {
    const { contract, Page } = setUp();
    let unmount = () => {};
    await settle(() => void ({ unmount } = render(<Page options={{ url: "/sse" }} />, { wrapper: StrictMode })));
    expect(contract.opened).toBe(1);
    expect(contract.open()).toHaveLength(1);
    await settle(unmount);
    expect(contract.open()).toHaveLength(0);
    expect(contract.peak).toBe(1);
  });

  it("never has a second one beside it over 20 remounts under StrictMode", async () => {
    const { contract, Page } = setUp();
    const page = (i: number): ReactNode => (
      <StrictMode>
        <Page key={i} options={{ url: "/sse" }} />
      </StrictMode>
    );
    const { rerender, unmount } = render(page(0));
    for (let i = 1; i <= 20; i++) await settle(() => rerender(page(i)));
    expect(contract.opened).toBe(21);
    expect(contract.peak).toBe(1);
    await settle(unmount);
    expect(contract.open()).toHaveLength(0);
  });

  it("leaves none open when it is unmounted in the task it was mounted in", async () => {
    const { contract, Page } = setUp();
    await settle(() => render(<Page options={{ url: "/sse" }} />).unmount());
    expect(contract.opened).toBe(0);
  });

  it("is kept over renders with equal options, however new the objects and functions are", async () => {
    const { contract, Page, heard } = setUp();
    const page = (): ReactNode => (
      <Page
        options={{
          url: new URL("http://localhost/sse"),
          auth: async () => null,
          groups: ["a", "b"],
          retry: { baseMs: 5 },
          logger: { debug() {}, info() {}, warn() {}, error() {} },
          replay: { from: `cursor-${Math.random()}`, sendAs: "header" },
          onError: () => {},
        }}
      />
    );
    const { rerender } = render(page());
    for (let i = 0; i < 5; i++) await settle(() => rerender(page()));
    expect(contract.made).toHaveLength(1);
    act(() => contract.only().emit("note_created", { body: "still here" }));
    expect(heard).toEqual(["still here"]);
  });

  it("is kept when a callback comes or goes", async () => {
    const { contract, Page } = setUp();
    const onOnline = vi.fn();
    const { rerender } = render(<Page options={{ url: "/a" }} />);
    await settle(() => rerender(<Page options={{ url: "/a", onOnline }} />));
    contract.made[0]!.options.onOnline?.(online());
    expect(onOnline).toHaveBeenCalledOnce();
    await settle(() => rerender(<Page options={{ url: "/a" }} />));
    contract.made[0]!.options.onOnline?.(online());
    expect(onOnline).toHaveBeenCalledOnce();
    expect(contract.made).toHaveLength(1);
  });

  it("calls the latest of the functions it was given, the browser's fetch without a receiver", async () => {
    const { contract, Page } = setUp();
    const calls: string[] = [];
    const options = (mark: string): Options => ({
      url: () => `/sse?${mark}`,
      auth: async () => ({ headers: { authorization: mark } }),
      fetch: function (this: unknown) {
        calls.push(`fetch ${mark} ${this === undefined}`);
        return Promise.reject(new Error("unused"));
      } as typeof fetch,
      logger: { debug() {}, info: (m) => void calls.push(`${mark} ${m}`), warn() {}, error() {} },
      onOnline: () => void calls.push(`online ${mark}`),
    });
    const { rerender } = render(<Page options={options("old")} />);
    await settle(() => rerender(<Page options={options("new")} />));
    const given = contract.made[0]!.options;
    expect((given.url as () => string)()).toBe("/sse?new");
    expect(await given.auth?.({} as never)).toEqual({ headers: { authorization: "new" } });
    await expect(given.fetch?.("/sse")).rejects.toThrow("unused");
    if (given.logger) given.logger.info("said");
    given.onOnline?.(online());
    expect(calls).toEqual(["fetch new true", "new said", "online new"]);
  });

  it.each<[string, Options, Options]>([
    ["url", { url: "/a" }, { url: "/b" }],
    ["groups", { url: "/a", groups: ["x"] }, { url: "/a", groups: ["x", "y"] }],
    ["retry", { url: "/a", retry: { baseMs: 1 } }, { url: "/a", retry: { baseMs: 2 } }],
    ["auth", { url: "/a" }, { url: "/a", auth: async () => null }],
    ["credentials", { url: "/a" }, { url: "/a", credentials: "include" }],
  ])("is made anew when %s changes, and the old one is closed first", async (_name, before, after) => {
    const { contract, Page, heard } = setUp();
    const { rerender } = render(<Page options={before} />, { wrapper: StrictMode });
    await settle(() => {});
    const old = contract.only();
    await settle(() => rerender(<Page options={after} />));
    expect(contract.only()).not.toBe(old);
    expect(old.state.status).toBe("closed");
    expect(contract.peak).toBe(1);
    act(() => contract.only().emit("note_created", { body: "to the new one" }));
    expect(heard).toEqual(["to the new one"]);
    const kept = contract.only();
    await settle(() => rerender(<Page options={{ ...after }} />));
    expect(contract.only()).toBe(kept);
  });

  it("hands its cursor to the next one of the same url and identity", async () => {
    expect(await cursorAfter({ url: "/a", identity: "ann", groups: ["x"] })).toBe("e-7");
  });

  it.each<[string, Options]>([
    ["another url", { url: "/b", identity: "ann", replay: { from: "e-1" } }],
    ["another identity", { url: "/a", identity: "bob", groups: ["x"], replay: { from: "e-1" } }],
  ])("begins at replay.from for %s", async (_name, after) => {
    expect(await cursorAfter(after)).toBe("e-1");
  });

  async function cursorAfter(after: Options): Promise<string | null | undefined> {
    const { contract, Page } = setUp();
    const { rerender } = render(<Page options={{ url: "/a", identity: "ann" }} />);
    await settle(() => {});
    contract.only().emit("note_created", { body: "seen" }, { id: "e-7" });
    await settle(() => rerender(<Page options={after} />));
    const from = contract.made.find((m) => m.provider === contract.only())?.options.replay?.from;
    return typeof from === "function" ? from() : from;
  }

  it("goes over to another identity without another provider", async () => {
    const { contract, Page } = setUp();
    const { rerender } = render(<Page options={{ url: "/a", identity: "ann" }} />, { wrapper: StrictMode });
    await settle(() => {});
    const provider = contract.only();
    expect(provider.identity).toBeUndefined();
    await settle(() => rerender(<Page options={{ url: "/a", identity: "bob" }} />));
    expect(contract.only()).toBe(provider);
    expect(provider.identity).toBe("bob");
    await settle(() => rerender(<Page options={{ url: "/a", identity: null }} />));
    expect(provider.identity).toBeNull();
  });

  it("is signed out when the options stop naming a user, not when they never did", async () => {
    const { contract, Page } = setUp();
    const { rerender } = render(<Page options={{ url: "/a" }} />);
    await settle(() => rerender(<Page options={{ url: "/a", identity: undefined }} />));
    const provider = contract.only();
    expect(provider.identity).toBeUndefined();
    await settle(() => rerender(<Page options={{ url: "/a", identity: null }} />));
    expect(provider.identity).toBeNull();
    const told = vi.spyOn(provider, "setIdentity");
    await settle(() => rerender(<Page options={{ url: "/a" }} />));
    expect(told).not.toHaveBeenCalled();
    await settle(() => rerender(<Page options={{ url: "/a", identity: "ann" }} />));
    await settle(() => rerender(<Page options={{ url: "/a" }} />));
    expect(provider.identity).toBeNull();
    expect(contract.made).toHaveLength(1);
  });

  it("hears errors only while there is an onError, and the latest of them", async () => {
    const { contract, Page } = setUp();
    const heard: string[] = [];
    const options = (mark: string): Options => ({ url: "/a", onError: (e) => void heard.push(`${mark} ${e.code}`) });
    const { rerender } = render(<Page options={{ url: "/a" }} />, { wrapper: StrictMode });
    await settle(() => {});
    const listening = vi.spyOn(contract.only(), "onError");
    expect(contract.made[0]!.options.onError).toBeUndefined();
    const written = vi.spyOn(console, "error").mockImplementation(() => {});
    contract.only().fail(error());
    await settle(() => rerender(<Page options={options("first")} />));
    await settle(() => rerender(<Page options={options("second")} />));
    contract.only().fail(error());
    await settle(() => rerender(<Page options={{ url: "/a" }} />));
    contract.only().fail(error());
    expect(listening).toHaveBeenCalledOnce();
    expect(heard).toEqual(["second stream_ended"]);
    expect(written).toHaveBeenCalledTimes(2);
  });

  it("is connected only while enabled", async () => {
    const { contract, Page } = setUp();
    const { rerender } = render(<Page options={{ url: "/a" }} enabled={false} />);
    await settle(() => {});
    expect(contract.opened).toBe(0);
    await settle(() => rerender(<Page options={{ url: "/a" }} enabled />));
    expect(contract.open()).toHaveLength(1);
    await settle(() => rerender(<Page options={{ url: "/a" }} enabled={false} />));
    expect(contract.open()).toHaveLength(0);
  });

  it("leaves connecting to the app with autoConnect false, and closes all the same", async () => {
    const { contract, Page } = setUp();
    const { unmount } = render(<Page options={{ url: "/a", autoConnect: false }} />);
    await settle(() => {});
    expect(contract.opened).toBe(0);
    contract.made[0]!.provider.connect();
    await settle(unmount);
    expect(contract.open()).toHaveLength(0);
  });

  it("needs a bound contract", () => {
    const hooks = createBackendEventHooks<Events>();
    vi.spyOn(console, "error").mockImplementation(() => {});
    expect(() => render(<hooks.BackendEventProvider options={{ url: "/a" }} />)).toThrow("needs a contract");
  });
});

describe("a provider handed over", () => {
  it("is never closed nor connected here", async () => {
    const { contract, hooks } = setUp();
    const provider = contract.createBackendEventProvider({ url: "/a", autoConnect: false });
    const page = <hooks.BackendEventProvider provider={provider} />;
    const { unmount } = render(page, { wrapper: StrictMode });
    await settle(() => {});
    expect(provider.state.status).toBe("idle");
    provider.connect();
    await settle(unmount);
    expect(provider.state.status).toBe("connecting");
  });

  it("moves the handlers along when another takes its place", async () => {
    const { contract, hooks } = setUp();
    const heard: string[] = [];
    const [a, b] = [contract, contract].map((c) => {
      c.createBackendEventProvider({ url: "/a", autoConnect: false });
      return c.made.at(-1)!.provider;
    }) as [typeof contract.made[0]["provider"], typeof contract.made[0]["provider"]];
    function Listener(): null {
      hooks.useBackendEvent("note_created", ({ body }) => void heard.push(body));
      return null;
    }
    const page = (provider: typeof a): ReactNode => (
      <hooks.BackendEventProvider provider={provider}>
        <Listener />
      </hooks.BackendEventProvider>
    );
    const { rerender } = render(page(a));
    await settle(() => rerender(page(b)));
    a.emit("note_created", { body: "old" });
    b.emit("note_created", { body: "new" });
    expect(heard).toEqual(["new"]);
  });
});
