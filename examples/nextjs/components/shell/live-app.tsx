"use client";
// The event stream of the logged-in person, and what is the same on every page: header, connection bar, announcements, forced log-out.
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { EventType } from "@tidings/coaching-events";
import { BackendEventProvider, useBackendEvent, useBackendEventProvider, useResync } from "@tidings/coaching-events/react";
import { CoachingApi } from "@/lib/coaching-api";
import type { User } from "@/lib/entities";
import { applicationErrorToast } from "@/lib/failure-toast";
import { leaveFarewell } from "@/lib/farewell";
import { FirstCursor } from "@/lib/first-cursor";
import { OwnRequests } from "@/lib/own-requests";
import { useToast } from "@/components/ui/toasts";
import { Announcements } from "./announcements";
import { AppContext } from "./app-context";
import { ConnectionBar } from "./connection-bar";
import { ConnectionsProvider } from "./connections";
import { Devtools } from "./devtools";
import { Header } from "./header";

export function LiveApp({ me, children }: { me: User; children: ReactNode }) {
  const [firstCursor] = useState(() => new FirstCursor());
  const toast = useToast();
  const options = useMemo(() => ({
    url: "/sse",
    identity: me.id,
    replay: { from: () => firstCursor.cursor },
    onContractChange: () => toast({ key: "contract", kind: "done", title: "A newer version of this page exists", message: "Reload the page to get it." }),
  }), [me.id, firstCursor, toast]);
  return (
    <BackendEventProvider options={options}>
      <Shell me={me} firstCursor={firstCursor}>{children}</Shell>
    </BackendEventProvider>
  );
}

function Shell({ me, firstCursor, children }: { me: User; firstCursor: FirstCursor; children: ReactNode }) {
  const provider = useBackendEventProvider();
  const toast = useToast();
  const [logIns, setLogIns] = useState(0);
  const [requests] = useState(() => new OwnRequests());
  const api = useMemo(() => new CoachingApi(provider.origin), [provider]);
  const app = useMemo(() => ({ me, api, requests, firstCursor, logIns }), [me, api, requests, firstCursor, logIns]);

  useEffect(() => provider.onApplicationError((error) => {
    if (requests.concerns(error.correlation_id)) toast(applicationErrorToast(error));
  }), [provider, requests, toast]);
  useBackendEvent(EventType.ForceLogout, ({ reason }) => {
    leaveFarewell(reason);
    provider.close();
    location.assign("/sign-in");
  });
  useResync((reason) => {
    if (reason === "identity_changed") location.reload();
  });

  const loggedIn = (user: User) => {
    if (user.id !== me.id) return location.assign("/");
    setLogIns((count) => count + 1);
    provider.connect();
  };

  return (
    <AppContext.Provider value={app}>
      <ConnectionsProvider>
        <Header />
        <Announcements />
        <main id="content" tabIndex={-1}>{children}</main>
        <ConnectionBar email={me.email} onLogIn={loggedIn} />
        <Devtools />
      </ConnectionsProvider>
    </AppContext.Provider>
  );
}
