// better-sse on node's own http, for `tidings bench`: POST /pub goes to everyone at GET /sub.
import { createServer } from "node:http";

import { createChannel, createSession } from "better-sse";

const channel = createChannel();
createServer(async (request, response) => {
  if (request.method === "GET") {
    channel.register(await createSession(request, response));
    return;
  }
  let body = "";
  for await (const chunk of request) body += chunk;
  channel.broadcast(JSON.parse(body), "tick");
  response.writeHead(204).end();
}).listen({ port: 4911, host: "127.0.0.1", backlog: 4096 });
