// One coaching session: `/session?id=…`, so that a static export can serve every one of them.
import type { Metadata } from "next";
import { Suspense } from "react";
import { SessionRoute } from "@/components/session/session";

export const metadata: Metadata = { title: "Session" };

export default function SessionPage() {
  return <Suspense><SessionRoute /></Suspense>;
}
