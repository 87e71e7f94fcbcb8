"use client";
// The event stream's state: `idle` in the server's HTML, and live once the browser has taken over.
import { BackendEventProvider, useConnectionState } from "@tidings/coaching-events/react";

export function Live() {
  return <BackendEventProvider options={{ url: "/sse" }}><State /></BackendEventProvider>;
}

function State() {
  const status = useConnectionState(({ status }) => status);
  return <p role="status" data-testid="connection-status" data-status={status}>{status}</p>;
}
