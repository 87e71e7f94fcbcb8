// The icons: drawn in the text's colour, hidden from screen readers because a label always stands beside them.

const PATHS = {
  bolt: "M13 3 5 13.5h6L10 21l8-10.5h-6z",
  plug: "M9 3v5M15 3v5M6.5 8h11v3.5a5.5 5.5 0 0 1-11 0zM12 17v4",
  cloudOff: "M3 3l18 18M8.5 7.5A5.5 5.5 0 0 1 17 11h.5a3.5 3.5 0 0 1 2 6.3M16 18H7a4 4 0 0 1-1.2-7.8",
  key: "M7.5 12.7a3.8 3.8 0 1 0 0 7.6 3.8 3.8 0 0 0 0-7.6zM10.2 13.8 19.5 4.5M16 8l3 3",
  lock: "M7 11V8a5 5 0 0 1 10 0v3M5.5 11h13v9h-13z",
  swap: "M7 4 3.5 7.5 7 11M3.5 7.5H17M17 13l3.5 3.5L17 20M20.5 16.5H7",
  warn: "M12 4 2.8 20h18.4zM12 10v4.5M12 17.3v.2",
  horn: "M4 10v4l11 4.5v-13zM15 8.5a3.5 3.5 0 0 1 0 7M7 15.2V19h3v-2.6",
  check: "m5 12.5 4.5 4.5L19 7.5",
  agree: "m2.5 12.5 4.5 4.5L14.5 8M11.5 15.5 13 17l8.5-9.5",
  plus: "M12 5v14M5 12h14",
  pencil: "M4 20l1-4.5L16.5 4 20 7.5 8.5 19zM14 6.5l3.5 3.5",
  trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10 11v5.5M14 11v5.5",
  close: "M6 6l12 12M18 6 6 18",
  back: "M14.5 5.5 8 12l6.5 6.5",
  next: "M9.5 5.5 16 12l-6.5 6.5",
  more: "M5.5 12h.01M12 12h.01M18.5 12h.01",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z",
  video: "M3.5 7h11v10h-11zM14.5 11l6-3.5v9l-6-3.5z",
  list: "M9 6h11M9 12h11M9 18h11M4.5 6h.01M4.5 12h.01M4.5 18h.01",
  text: "M5 6h14M5 10.5h14M5 15h9",
  target: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",
  calendar: "M4.5 6h15v14h-15zM4.5 10.5h15M8.5 3.5V7M15.5 3.5V7",
  leave: "M10 4.5H5v15h5M14.5 8l4 4-4 4M18.5 12H10",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg aria-hidden="true" width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={name === "more" ? 3 : 1.8} strokeLinecap="round" strokeLinejoin="round">
      <path d={PATHS[name]} />
    </svg>
  );
}
