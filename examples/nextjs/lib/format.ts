// Dates and names in the reader's own language.

export function longDate(instant: string): string {
  return new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(new Date(instant));
}

export function clockTime(instant: string): string {
  return new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(new Date(instant));
}

export function initials(name: string): string {
  const words = name.split(/\s+/).filter(Boolean);
  return ((words[0]?.[0] ?? "") + (words.length > 1 ? words.at(-1)?.[0] ?? "" : "")).toUpperCase();
}

export const STATUS_WORDS = { NotStarted: "Not started", InProgress: "In progress", Completed: "Completed", OnHold: "On hold", WontDo: "Won’t do" } as const;

/** "body: must not be empty", which names a field for code, as a sentence for a person. */
export function sentence(message: string): string {
  const words = message.replace(/^[a-z_.]+: /, "");
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?…]$/.test(words) ? "" : ".");
}
