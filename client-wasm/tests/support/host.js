// A page and its server, as far as one provider looks: `open` is answered by the test, time stands still.

const bytes = new TextEncoder();

export class Scene {
  log = [];
  #stream = null;
  #opened = null;

  /** What the façade would lend. */
  host() {
    return {
      clock: { now: () => 1_800_000_000_000, random: () => 0.5, setTimeout: () => 1, clearTimeout: () => {} },
      renewable: false,
      online: () => true,
      from: async () => null,
      next: (reader) => reader.read(),
      open: () => {
        const body = new ReadableStream({ start: (controller) => (this.#stream = controller) });
        this.#opened?.();
        return Promise.resolve({ status: 200, type: "text/event-stream", retryMs: NaN, reader: body.getReader() });
      },
      abort: () => {},
      settled: (promise, then, number) =>
        void Promise.resolve(promise).then(
          (value) => then(number, true, value),
          (reason) => then(number, false, reason),
        ),
      error: (kind, code, message) => ({ kind, code, message }),
      state: (status) => this.log.push(`state ${status}`),
      alive: (connection) => this.log.push(`alive ${connection}`),
      event: (kind, type, data) => this.log.push(`event ${JSON.stringify({ kind, type, data })}`),
      release: (hold, cause) => this.log.push(`released ${hold} ${cause}`),
      resync: (reason) => {
        this.log.push(`resync ${reason}`);
        return true;
      },
      report: ({ code, message }) => this.log.push(`error ${code}: ${message}`),
      lock: () => {},
      follow: () => {},
      post: () => {},
      mirror: () => {},
      contractChange: () => this.log.push("newer contract"),
    };
  }

  /** Settles when the provider has made its request. */
  opened() {
    return this.#stream ? Promise.resolve() : new Promise((resolve) => (this.#opened = resolve));
  }

  /** Sends text; settles when every promise that follows from it has had its turn. */
  async send(text) {
    this.#stream.enqueue(bytes.encode(text));
    for (let turn = 0; turn < 5; turn += 1) {
      await new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => (port1.close(), resolve());
        port2.postMessage(null);
      });
    }
  }

  takeLog() {
    return this.log.splice(0);
  }
}
