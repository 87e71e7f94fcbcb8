"use client";
// Pages behind the log-in, with the event stream around all of them: going from one to the other keeps it open.
import type { ReactNode } from "react";
import { LiveApp } from "@/components/shell/live-app";
import { SignInGate } from "@/components/shell/sign-in-gate";

export default function LiveLayout({ children }: { children: ReactNode }) {
  return <SignInGate>{(me) => <LiveApp key={me.id} me={me}>{children}</LiveApp>}</SignInGate>;
}
