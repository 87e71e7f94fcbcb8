"use client";
/** The React side of the coaching events: `@tidings/client/react`, typed by their map. */
import type { BackendEventProviderInstance } from "@tidings/client";
import { createBackendEventHooks, type BackendEventHooks } from "@tidings/client/react";
import { bound } from "./bound.js";
import type { Events } from "./contract.js";

const hooks: BackendEventHooks<Events> = /* @__PURE__ */ createBackendEventHooks<Events>(bound);

export const BackendEventProvider: BackendEventHooks<Events>["BackendEventProvider"] = hooks.BackendEventProvider;
export type BackendEventProvider = BackendEventProviderInstance<Events>;
export const useBackendEventProvider: BackendEventHooks<Events>["useBackendEventProvider"] = hooks.useBackendEventProvider;
export const useBackendEvent: BackendEventHooks<Events>["useBackendEvent"] = hooks.useBackendEvent;
export const useConnectionState: BackendEventHooks<Events>["useConnectionState"] = hooks.useConnectionState;
export const useResync: BackendEventHooks<Events>["useResync"] = hooks.useResync;
export { createBackendEventProvider } from "./index.js";
