// @vitest-environment jsdom
import { act, cleanup } from "@testing-library/react";
import { StrictMode, type ReactNode } from "react";
import { hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, it, vi, type MockInstance } from "vitest";
import { createBackendEventHooks } from "../js/react.js";
import { countingContract, online, type Events } from "./support/contract.js";

let complaints: MockInstance[];
beforeEach(() => {
  complaints = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")].map((spy) => spy.mockImplementation(() => {}));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  document.body.innerHTML = "";
});

function setUp() {
  const contract = countingContract();
  const hooks = createBackendEventHooks<Events>(contract);
  function Status(): ReactNode {
    hooks.useBackendEvent("note_created", () => {});
    hooks.useResync(() => {});
    const whole = hooks.useConnectionState();
    const calm = hooks.useConnectionState((s) => s.status, { graceMs: 1_000 });
    return `${whole.status} ${calm}`;
  }
  const page = (
    <StrictMode>
      <hooks.BackendEventProvider options={{ url: "/sse", identity: "ann" }}>
        <p>
          <Status />
        </p>
      </hooks.BackendEventProvider>
    </StrictMode>
  );
  return { contract, page };
}

/** As on a server: no browser object can be touched while rendering. */
function renderOnServer(page: ReactNode): string {
  for (const name of ["window", "document", "navigator", "localStorage"]) vi.stubGlobal(name, undefined);
  try {
    return renderToString(page);
  } finally {
    vi.unstubAllGlobals();
  }
}

it("renders idle on a server and connects nothing there", async () => {
  const { contract, page } = setUp();
  expect(renderOnServer(page)).toBe("<p>idle idle</p>");
  await Promise.resolve();
  expect(contract.made.length).toBeGreaterThan(0);
  expect(contract.opened).toBe(0);
});

it("hydrates without a complaint, then connects", async () => {
  const { contract, page } = setUp();
  const container = document.createElement("div");
  container.innerHTML = renderOnServer(page);
  document.body.append(container);
  let root: Root | undefined;
  const recoverable = vi.fn();
  await act(async () => void (root = hydrateRoot(container, page, { onRecoverableError: recoverable })));
  expect(container.textContent).toBe("connecting connecting");
  act(() => contract.only().setState(online()));
  expect(container.textContent).toBe("online online");
  expect(recoverable).not.toHaveBeenCalled();
  await act(async () => root?.unmount());
  expect(contract.open()).toHaveLength(0);
  for (const spy of complaints) expect(spy).not.toHaveBeenCalled();
});

it("hydrates from idle when the provider has moved on before the page came to life", async () => {
  const contract = countingContract();
  const hooks = createBackendEventHooks<Events>();
  const provider = contract.createBackendEventProvider({ url: "/sse", autoConnect: false });
  function Status(): ReactNode {
    return hooks.useConnectionState((s) => s.status, { graceMs: 1_000 });
  }
  const page = (
    <hooks.BackendEventProvider provider={provider}>
      <Status />
    </hooks.BackendEventProvider>
  );
  const container = document.createElement("div");
  container.innerHTML = renderOnServer(page);
  contract.made[0]!.provider.setState(online());
  const recoverable = vi.fn();
  let root: Root | undefined;
  await act(async () => void (root = hydrateRoot(container, page, { onRecoverableError: recoverable })));
  expect(container.textContent).toBe("online");
  expect(recoverable).not.toHaveBeenCalled();
  for (const spy of complaints) expect(spy).not.toHaveBeenCalled();
  await act(async () => root?.unmount());
});
