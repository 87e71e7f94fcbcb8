"use client";
// What every page behind the log-in shares: who is here, the API, this tab's requests, and the hand-over of the first cursor.
import { createContext, useContext } from "react";
import type { CoachingApi } from "@/lib/coaching-api";
import type { User } from "@/lib/entities";
import type { FirstCursor } from "@/lib/first-cursor";
import type { OwnRequests } from "@/lib/own-requests";

export interface App {
  readonly me: User;
  readonly api: CoachingApi;
  readonly requests: OwnRequests;
  readonly firstCursor: FirstCursor;
  /** Rises with each log-in on top of the open page: what failed for want of one tries again. */
  readonly logIns: number;
}

export const AppContext = createContext<App | null>(null);

export function useApp(): App {
  const app = useContext(AppContext);
  if (app === null) throw new Error("useApp is for pages inside <LiveApp>");
  return app;
}
