import type { NextConfig } from "next";

const config: NextConfig = { output: "export", reactStrictMode: true };
export default config;
