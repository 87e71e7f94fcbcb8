// The command: reads its arguments, serves, and ends in order.
import { parseArgs } from "node:util";
import { serve } from "./serve.mjs";

const HELP = `The shared notes of the coaching platform: one text per session, edited together.

Usage: node server.mjs [options]

  --port PORT         the port to listen on (4001)
  --host ADDRESS      the address to listen on (127.0.0.1)
  --app URL           the coaching server, which is asked who may see what (http://127.0.0.1:4000)
  --documents FOLDER  where the texts are kept (documents)
  --until-stdin-ends  end when stdin does, and so with whoever started this
  --help              this`;

const OPTIONS = {
  port: { type: "string", default: "4001" },
  host: { type: "string", default: "127.0.0.1" },
  app: { type: "string", default: "http://127.0.0.1:4000" },
  documents: { type: "string", default: "documents" },
  "until-stdin-ends": { type: "boolean", default: false },
  help: { type: "boolean", default: false },
};

function fail(problem) {
  console.error(`notes: ${problem}`);
  process.exit(1);
}

function settings() {
  let values;
  try {
    ({ values } = parseArgs({ options: OPTIONS }));
  } catch (error) {
    fail(`${error.message}; --help lists the options`);
  }
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) fail(`--port ${values.port} is no port; give a number up to 65535`);
  if (!URL.canParse(values.app)) fail(`--app ${values.app} is no URL; give one like http://127.0.0.1:4000`);
  return { ...values, port };
}

const { port, host, app, documents, "until-stdin-ends": untilStdinEnds } = settings();
const server = await serve({ port, host, app, documents }).catch((error) =>
  fail(error.code === "EADDRINUSE" ? `port ${port} is taken; choose another with --port` : error.message),
);
console.log(`notes: shared at ws://${host}:${server.port}`);

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  await server.stop();
  process.exit(0);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => void end());
if (untilStdinEnds) process.stdin.on("end", () => void end()).on("error", () => void end()).resume();
