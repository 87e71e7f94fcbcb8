import { BackendEventProvider } from "@tidings/coaching-events/react";
import { Live } from "./live";

/** A server component: the entry says by itself that what it exports lives in the browser. */
export default function Page() {
  return (
    <BackendEventProvider options={{ url: "/sse" }} enabled={false}>
      <Live />
    </BackendEventProvider>
  );
}
