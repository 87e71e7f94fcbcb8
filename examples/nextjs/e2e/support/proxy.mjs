// A reverse proxy as far as TCP goes: passes on, answers 502, or says nothing.
import { connect, createServer } from "node:net";

export class Proxy {
  /** "pass" | "502" | "silent": what happens to new connections, and to open ones when it changes from "pass". */
  #mode = "pass";
  #open = new Set();

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
