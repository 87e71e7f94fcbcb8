// What the package's README says is true: its snippets compile, and it knows every error.
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");

/** What the snippets take from the app around them. */
const AROUND = `
declare const userId: string;
declare function show(x: unknown): void;
declare function refetch(): Promise<void>;
declare function banner(status: string): void;
declare const hocuspocusProvider: import("@tidings/client/combine").StatusEmitter;
`;
const PROVIDER = `
declare const provider: import("@tidings/client").BackendEventProviderInstance<import("@tidings/coaching-events").Events>;
`;

it("has snippets that compile as they stand", () => {
  const snippets = [...readme.matchAll(/```(tsx?)\n([^]*?)```/g)].map(([, kind, code], place) => ({ kind, code: code!, place }));
  expect(snippets.length).toBeGreaterThan(3);
  const folder = mkdtempSync(join(root, "readme-"));
  try {
    const files = snippets.map(({ code, place }) => {
      const file = join(folder, `snippet-${place}.tsx`);
      const provider = code.includes("const provider") ? "" : PROVIDER;
      writeFileSync(file, `${code}\n${AROUND}${provider}\nexport {};\n`);
      return file;
    });
    const program = ts.createProgram(files, {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      jsx: ts.JsxEmit.ReactJSX,
      types: [],
      paths: {
        "@tidings/client": [join(root, "pkg/index.d.ts")],
        "@tidings/client/react": [join(root, "pkg/react.d.ts")],
        "@tidings/client/*": [join(root, "pkg/*")],
        "@tidings/client/react/status": [join(root, "pkg/status.d.ts")],
        "@tidings/coaching-events": [join(root, "../bindings/wasm/pkg/index.d.ts")],
        "@tidings/coaching-events/react": [join(root, "../bindings/wasm/pkg/react.d.ts")],
      },
    });
    const wrong = ts.getPreEmitDiagnostics(program).map((one) => ts.flattenDiagnosticMessageText(one.messageText, "\n"));
    expect(wrong).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 60_000);

it("knows every error code, and no other", () => {
  const read = (folder: string, ext: string): string =>
    readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(ext))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8"))
      .join("\n");
  const js = read("js", ".ts");
  const rust = read("src", ".rs");
  const core = readFileSync(join(root, "../protocol/src/error.rs"), "utf8");
  const codes = [
    ...js.matchAll(/BackendEventError\(\s*"[a-z]+",\s*"([a-z_]+)"/g),
    ...js.matchAll(/\bfail\("([a-z_]+)", cause/g),
    ...rust.matchAll(/Problem::(?:config|payload)\(\s*"([a-z_]+)"/g),
    ...core.slice(0, core.indexOf("fn message")).matchAll(/=> "([a-z_]+)"/g),
  ].map(([, code]) => code!);
  const errors = readme.slice(readme.indexOf("## Errors"), readme.indexOf("## Proxies"));
  const documented = [...errors.matchAll(/^\|(.*?)\|/gm)].flatMap(([, cell]) => [...cell!.matchAll(/`([a-z_]+)`/g)].map(([, code]) => code!));
  expect([...new Set(documented)].sort()).toEqual([...new Set(codes)].sort());
});
