// The UI as files: a static export that the coaching server serves beside its REST surface and its event stream.
import type { NextConfig } from "next";
import { PHASE_DEVELOPMENT_SERVER } from "next/constants.js";

const server = process.env.COACHING_SERVER ?? "http://localhost:4000";
const served = ["sse", "login", "delete", "users", "organizations", "coaching_sessions", "actions", "agreements", "goals", "notes", "presence", "admin"];

export default function config(phase: string): NextConfig {
  const shared: NextConfig = { reactStrictMode: true, turbopack: { root: import.meta.dirname } };
  if (phase !== PHASE_DEVELOPMENT_SERVER) return { ...shared, output: "export", trailingSlash: true }; // A folder with an index.html per page: any file server finds it.
  return {
    ...shared,
    compress: false, // A compressed event stream would be held back until its buffer is full.
    rewrites: async () => served.flatMap((path) => [
      { source: `/${path}`, destination: `${server}/${path}` },
      { source: `/${path}/:rest*`, destination: `${server}/${path}/:rest*` },
    ]),
  };
}
