// Why somebody was logged out, carried from the page that learned it to the log-in page that shows it once.

const KEY = "coaching-farewell";

export function leaveFarewell(reason: string): void {
  try {
    sessionStorage.setItem(KEY, reason);
  } catch {
    // Without storage the log-in page appears without the reason.
  }
}

export function readFarewell(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function forgetFarewell(): void {
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // Nothing was stored either.
  }
}
