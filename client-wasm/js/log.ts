import type { Logger } from "./types.js";

const nothing = (): void => {};
const SILENT: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The app's logger, or none, or the console: warnings and errors, all with `localStorage.tidings = "debug"`. */
export function loggerOf(option: Logger | false | undefined): Logger {
  if (option === false) return SILENT;
  if (option) return option;
  const line = (write: (...parts: unknown[]) => void) => (message: string, more?: object) =>
    more === undefined ? write(`tidings: ${message}`) : write(`tidings: ${message}`, more);
  const wordy = isDebugging();
  return {
    debug: wordy ? line(console.debug) : nothing,
    info: wordy ? line(console.info) : nothing,
    warn: line(console.warn),
    error: line(console.error),
  };
}

function isDebugging(): boolean {
  try {
    return localStorage.getItem("tidings") === "debug";
  } catch {
    return false;
  }
}
