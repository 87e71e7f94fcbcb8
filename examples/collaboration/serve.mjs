// Hocuspocus behind the coaching server's log-in: who has none gets no socket, who may not see a session not its text.
import { createServer } from "node:http";
import { Hocuspocus } from "@hocuspocus/server";
import { WebSocketServer } from "ws";
import { App } from "./app.mjs";
import { Documents } from "./documents.mjs";

/** How often the app is asked again about those who are connected: a log-in that has ended is out within this. */
const RECHECK_MS = 5_000;
/** The longest message; the first one of somebody who was away holds all that they wrote meanwhile. */
const MESSAGE_BYTES_MAX = 1024 * 1024;
/** A text of this size takes no more. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
const SOCKETS_MAX = 1_000;
const ACCESS_LOST = 4403;
/** The standard's "try again later". */
const TRY_AGAIN = 1013;

/** Starts to listen; `{ port, stop }`. */
export async function serve({ port, host, app: appUrl, documents: folder }) {
  const app = new App(appUrl);
  const documents = await Documents.open(folder);
  const socketOf = new WeakMap();
  const notes = hocuspocus(app, documents, socketOf);
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES_MAX });
  const server = createServer((_, response) => response.writeHead(426, { "content-type": "text/plain" }).end("Only WebSockets are served here.\n"));

  server.on("upgrade", async (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const refusal = await refusalOf(request, app, sockets);
    if (refusal !== null) return socket.end(`HTTP/1.1 ${refusal}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      accepted.on("error", () => accepted.terminate());
      socketOf.set(request, accepted);
      notes.handleConnection(accepted, request);
    });
  });
  await new Promise((listening, failed) => server.once("error", failed).listen({ port, host }, listening));
  const rechecks = setInterval(() => void recheck(notes, app), RECHECK_MS);

  return {
    port: server.address().port,
    /** Closes every connection and returns when all that was written is kept. */
    async stop() {
      clearInterval(rechecks);
      server.close();
      for (const socket of sockets.clients) socket.terminate();
      await documents.settled(notes);
    },
  };
}

/** The status line for who gets no socket, or null. */
async function refusalOf({ headers }, app, sockets) {
  if (sockets.clients.size >= SOCKETS_MAX) return "503 Service Unavailable";
  if (!isFromHere(headers)) return "403 Forbidden";
  const answer = await app.knows(headers.cookie);
  return { yes: null, no: "401 Unauthorized", silent: "503 Service Unavailable" }[answer];
}

/** A cookie is sent along by pages of any port of this host, and by sites that an old browser takes for the same. */
function isFromHere({ origin, host }) {
  const hostname = (url) => (URL.canParse(url) ? new URL(url).hostname : null);
  return origin === undefined || hostname(origin) === hostname(`http://${host}`);
}

function hocuspocus(app, documents, socketOf) {
  return new Hocuspocus({
    quiet: true,
    debounce: 500,
    maxDebounce: 2_000,
    async onAuthenticate({ documentName, request }) {
      const answer = await app.maySee(documentName, request.headers.cookie);
      if (answer === "yes") return;
      // A page takes a refusal for the end of its log-in; an app that is away is no refusal.
      if (answer === "silent") socketOf.get(request)?.close(TRY_AGAIN, "the app does not answer");
      throw { reason: "permission-denied" };
    },
    onLoadDocument: ({ documentName, document }) => documents.load(documentName, document),
    onStoreDocument: ({ documentName, document }) => documents.store(documentName, document),
    async afterUnloadDocument({ documentName }) {
      documents.forget(documentName);
    },
    async onChange({ documentName, update }) {
      documents.grew(documentName, update.length);
    },
    async beforeHandleMessage({ documentName, connection, update }) {
      // What a client sends then stays unsynced, and its page says so.
      connection.readOnly = documents.bytes(documentName) + update.length > DOCUMENT_BYTES_MAX;
    },
  });
}

/** Closes the sockets of those who may not see what they see any more. An app that does not answer ends nothing. */
async function recheck(notes, app) {
  const open = [...notes.documents.values()].flatMap((document) => document.getConnections());
  await Promise.all(
    open.map(async ({ document, request, webSocket }) => {
      if ((await app.maySee(document.name, request.headers.cookie)) === "no") webSocket.close(ACCESS_LOST, "access lost");
    }),
  );
}
