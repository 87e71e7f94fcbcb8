// One page rendered on a server: what the static export of the demo cannot show.
import path from "node:path";
import type { NextConfig } from "next";

const config: NextConfig = {
  reactStrictMode: true,
  turbopack: { root: path.join(import.meta.dirname, "..") }, // The packages are the demo's.
};
export default config;
