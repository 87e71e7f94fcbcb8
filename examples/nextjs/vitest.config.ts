// Unit tests of the pure modules in `lib`, and of the recipes.
import { defineConfig } from "vitest/config";

export default defineConfig({
  resolve: { alias: { "@": import.meta.dirname } },
  test: { include: ["lib/**/*.test.ts", "recipes/*.test.tsx"] },
});
