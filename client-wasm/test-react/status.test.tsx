// @vitest-environment jsdom
import { EventEmitter } from "node:events";
import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { StrictMode } from "react";
import { hydrateRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { combineConnectionStates } from "../js/combine.js";
import { ConnectionStatus, useConnectionStatus, type ConnectionStatusProps } from "../js/status.js";
import { COLOURS } from "../js/status/style.js";
import { createTestProvider, type TestProvider } from "../js/testing.js";
import type { ConnectionState, UnauthorizedError } from "../js/types.js";
import { error, online, outage, type Events } from "./support/contract.js";

const START = 1_000_000;
const GRACE = 2_000;

let provider: TestProvider<Events>;
beforeEach(() => {
  vi.useFakeTimers({ now: START });
  provider = createTestProvider<Events>();
  provider.setState(online());
});
afterEach(() => {
  cleanup();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const become = (s: ConnectionState): void => act(() => provider.setState(s));
const pass = (ms: number): void => act(() => void vi.advanceTimersByTime(ms));
const region = (): HTMLElement => screen.getByRole("status");
const unauthorized: ConnectionState = { status: "unauthorized", reason: error() as unknown as UnauthorizedError };

function show(props: Partial<ConnectionStatusProps> = {}): void {
  render(
    <StrictMode>
      <ConnectionStatus source={provider} {...props} />
    </StrictMode>,
  );
}

describe("the notice", () => {
  it("says nothing while all is well, nor of a hiccup, and is there for a screen reader to watch", () => {
    show();
    become(outage("reconnecting", START));
    pass(GRACE - 1);
    become(online(START));
    expect(region().textContent).toBe("");
  });

  it.each([
    ["reconnecting", outage("reconnecting", START - GRACE), "Reconnecting", "warning"],
    ["offline", outage("offline", START - GRACE), "You are offline", "warning"],
    ["long-broken", outage("long-broken", START), "Still no connection", "error"],
    ["unauthorized", unauthorized, "Your log-in has ended", "error"],
    ["closed", { status: "closed", reason: "server-204" } as const, "Updates are off", "error"],
  ])("says %s", (status, state, title, tone) => {
    show();
    become(state);
    pass(GRACE);
    expect(region().textContent).toContain(title);
    expect(region().dataset).toMatchObject({ status, tone });
    expect(region().querySelector(".tidings-status-count") !== null).toBe("retryAt" in state);
  });

  it("says nothing of a connection that the page itself has closed", () => {
    show();
    become({ status: "closed", reason: "close()" });
    expect(region().textContent).toBe("");
  });

  it("goes at once when all is well again, and says so for a moment", () => {
    show();
    become(outage("long-broken", START));
    become(online(START));
    expect(region().textContent).toBe("Back online");
    pass(3_000);
    expect(region().textContent).toBe("");
  });

  it("counts down to the next attempt, for the eye only, and tries now when told to", () => {
    const reconnect = vi.spyOn(provider, "reconnect").mockImplementation(() => {});
    show();
    become({ ...outage("long-broken", START), retryAt: START + 2_500 } as ConnectionState);
    const count = screen.getByText("Next try in 3 s");
    expect(count.getAttribute("aria-hidden")).toBe("true");
    pass(1_000);
    expect(count.textContent).toBe("Next try in 2 s");
    pass(2_000);
    expect(count.textContent).toBe("Trying now…");
    fireEvent.click(screen.getByRole("button", { name: "Retry now" }));
    expect(reconnect).toHaveBeenCalledOnce();
  });

  it("leads to the log-in by a button or a link, and has neither where the app has no place for it", () => {
    const onLogIn = vi.fn();
    show({ onLogIn });
    become(unauthorized);
    fireEvent.click(screen.getByRole("button", { name: "Log in again" }));
    expect(onLogIn).toHaveBeenCalledOnce();
    cleanup();
    show({ logInHref: "/log-in" });
    expect(screen.getByRole("link", { name: "Log in again" }).getAttribute("href")).toBe("/log-in");
    cleanup();
    show();
    expect(screen.queryByRole("button")).toBeNull();
  });

  it("speaks the app's language, and wears its looks", () => {
    show({ labels: { states: { "long-broken": { title: "Keine Verbindung" } }, retry: "Jetzt versuchen" } });
    become(outage("long-broken", START));
    expect(region().textContent).toContain("Keine Verbindung");
    expect(screen.getByRole("button").textContent).toBe("Jetzt versuchen");
    cleanup();
    show({ children: (view) => <b>{view.tone}</b> });
    expect(region().textContent).toBe("error");
  });

  it("shows several connections as one", () => {
    const editor = { status: "connected", on: () => {}, off: () => {} };
    const both = combineConnectionStates({ events: provider, notes: editor });
    show({ source: both });
    become(outage("long-broken", START));
    expect(region().dataset.status).toBe("long-broken");
    expect(screen.queryByRole("button")).toBeNull();
    cleanup();
    both.destroy();
  });

  it.each([undefined, "n"])("is the same on the server and at the first render, with the nonce %s", async (nonce) => {
    const page = (
      <StrictMode>
        <ConnectionStatus source={provider} nonce={nonce} />
      </StrictMode>
    );
    const complaints = vi.spyOn(console, "error").mockImplementation(() => {});
    const box = document.createElement("div");
    box.innerHTML = renderToString(page);
    document.body.append(box);
    expect(box.querySelector("[role=status]")!.textContent).toBe("");
    const root = await act(async () => hydrateRoot(box, page));
    expect(complaints.mock.calls).toEqual([]);
    await act(async () => root.unmount());
    box.remove();
    complaints.mockRestore();
  });
});

it("has enough contrast in light and dark", () => {
  const channel = (value: number): number => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = (hex: string): number => {
    const [r, g, b] = [1, 3, 5].map((at) => channel(parseInt(hex.slice(at, at + 2), 16) / 255));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  for (const { ground, text } of Object.values(COLOURS)) {
    for (const place of [0, 1] as const) {
      const [low, high] = [luminance(ground[place]), luminance(text[place])].sort((a, b) => a - b);
      expect((high! + 0.05) / (low! + 0.05)).toBeGreaterThanOrEqual(4.5);
    }
  }
});

describe("an editor's connection beside ours", () => {
  it("has the same grace, and what came before is shown meanwhile", () => {
    const editor = Object.assign(new EventEmitter(), { status: "connected" });
    const both = combineConnectionStates({ events: provider, notes: editor });
    const statuses: string[] = [];
    function Shown(): null {
      statuses.push(useConnectionStatus(both).status);
      return null;
    }
    render(<Shown />);
    act(() => void editor.emit("status", { status: "disconnected" }));
    pass(GRACE - 1);
    expect(statuses.at(-1)).toBe("online");
    pass(1);
    expect(statuses.at(-1)).toBe("editing-offline");
    act(() => void editor.emit("status", { status: "connected" }));
    expect(new Set(statuses)).toEqual(new Set(["online", "editing-offline"]));
    act(() => both.destroy());
  });
});
