import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/**/*.test.ts", "test-react/**/*.test.{ts,tsx}"], restoreMocks: true },
});
