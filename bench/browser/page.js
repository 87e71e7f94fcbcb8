// Two ways to the same handler; `run.mjs` says which, and measures.
import { createBackendEventProvider } from "@tidings/coaching-events";

/** Blocks of the main thread of 50 ms and more, as the browser itself defines a long task. */
const long = [];
new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration))).observe({
  type: "longtask",
});

/** Opens a stream; `count` events later, `done` is fulfilled. */
const ways = {
  plain(name) {
    const source = new EventSource("/sse");
    return {
      open: new Promise((resolve) => source.addEventListener("tidings:hello", resolve)),
      on: (handler) => source.addEventListener(name, (event) => handler(JSON.parse(event.data).data)),
      close: () => source.close(),
    };
  },
  tidings(name) {
    const provider = createBackendEventProvider({ url: "/sse", sharing: "off" });
    return { open: provider.whenOnline(), on: (handler) => provider.on(name, handler), close: () => provider.close() };
  },
};

globalThis.begin = async (way, name, count) => {
  const stream = ways[way](name);
  let seen = 0;
  let finish;
  globalThis.done = new Promise((resolve) => (finish = resolve));
  stream.on((data) => {
    // Something that looks at the payload, as a handler does.
    if (data !== null && ++seen === count) finish(seen);
  });
  await stream.open;
  long.length = 0;
  globalThis.end = () => {
    stream.close();
    return Math.max(0, ...long);
  };
};
globalThis.ready = true;
