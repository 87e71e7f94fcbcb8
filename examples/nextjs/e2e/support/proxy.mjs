// A reverse proxy as far as TCP goes: passes on, answers 502, or says nothing.
import { connect, createServer } from "node:net";

const LAST_CHUNK = Buffer.from("0\r\n\r\n");

export class Proxy {
  /** "pass" | "502" | "silent": what happens to new connections, and to open ones when it changes from "pass". */
  #mode = "pass";
  #open = new Set();
  #streams = new Set();

  /** A proxy before `port` on this machine; it ends with the test `t`. */
  static async start(t, port) {
    const proxy = new Proxy();
    const server = createServer((client) => proxy.#accept(client, port));
    await new Promise((done) => server.listen(0, "127.0.0.1", done));
    proxy.url = `http://127.0.0.1:${server.address().port}`;
    t.after(() => {
      proxy.cut();
      server.close();
    });
    return proxy;
  }

  /** Waits until so many event streams are open; a browser tells of an end later than it shows it, a busy one much. */
  async carries(count) {
    const giveUp = Date.now() + 10_000;
    while (this.#streams.size !== count) {
      if (Date.now() > giveUp) throw new Error(`${this.#streams.size} streams are open, not ${count}`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  /** Breaks every open connection, and treats new ones as `mode` says. */
  become(mode) {
    this.#mode = mode;
    this.cut();
  }

  cut() {
    for (const socket of this.#open) socket.destroy();
  }

  #accept(client, port) {
    this.#keep(client);
    if (this.#mode === "502") {
      client.once("data", () => client.end("HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 11\r\nconnection: close\r\n\r\nBad Gateway"));
    } else if (this.#mode === "pass") {
      const server = this.#keep(connect(port, "127.0.0.1"));
      client.on("close", () => this.#streams.delete(client));
      // A stream that the server ends leaves its connection open for the next request.
      server.on("data", (chunk) => {
        if (chunk.includes("content-type: text/event-stream")) this.#streams.add(client);
        if (chunk.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) this.#streams.delete(client);
      });
      client.pipe(server).pipe(client);
      client.on("close", () => server.destroy());
      server.on("close", () => client.destroy());
    }
  }

  #keep(socket) {
    this.#open.add(socket);
    socket.on("close", () => this.#open.delete(socket));
    socket.on("error", () => {});
    return socket;
  }
}
