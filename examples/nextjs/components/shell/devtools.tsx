"use client";
// The panel for people who build pages: while this one is built, and where its address ends in `?devtools` or `&devtools`.
import dynamic from "next/dynamic";
import { useEffect, useState } from "react";
import { useBackendEventProvider } from "@tidings/coaching-events/react";

const Panel = dynamic(() => import("@tidings/client/react/devtools").then((entry) => entry.BackendEventDevtoolsPanel), { ssr: false });

export function Devtools() {
  const provider = useBackendEventProvider();
  const [wanted, setWanted] = useState(false);
  useEffect(() => setWanted(process.env.NODE_ENV === "development" || new URLSearchParams(location.search).has("devtools")), []);
  return wanted ? <Panel provider={provider} /> : null;
}
