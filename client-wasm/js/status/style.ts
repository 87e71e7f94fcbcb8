/** The looks of `<ConnectionStatus>`: few, and each of them a CSS variable. */

/** `[light, dark]`; text on its ground has a contrast of 4.5 : 1 or more in both. */
export const COLOURS = {
  warning: { ground: ["#fff4d6", "#3a2f12"], text: ["#5c4300", "#ffe2a0"] },
  error: { ground: ["#ffe4e0", "#431d19"], text: ["#7a1a0f", "#ffc9c1"] },
  info: { ground: ["#dff5e6", "#143524"], text: ["#0d4a2a", "#b8f0cf"] },
} as const;

const tones = Object.entries(COLOURS)
  .map(
    ([tone, { ground, text }]) =>
      `.tidings-status[data-tone="${tone}"]{` +
      `--_g:var(--tidings-status-${tone}-ground,light-dark(${ground}));` +
      `--_t:var(--tidings-status-${tone}-text,light-dark(${text}))}`,
  )
  .join("");

export const STYLE =
  `.tidings-status{position:fixed;z-index:var(--tidings-status-layer,1000);inset:auto 0 var(--tidings-status-bottom,16px);` +
  `display:grid;justify-items:center;padding:0 12px;pointer-events:none;font:var(--tidings-status-font,inherit)}` +
  `.tidings-status[data-placement="inline"]{position:static;min-height:var(--tidings-status-height,48px);padding:0;justify-items:stretch}` +
  `.tidings-status-bar{display:flex;flex-wrap:wrap;align-items:center;gap:4px 14px;box-sizing:border-box;max-width:100%;width:min(680px,100%);` +
  `padding:10px 14px;border-radius:var(--tidings-status-radius,10px);background:var(--_g);color:var(--_t);` +
  `border:1px solid color-mix(in srgb,var(--_t) 30%,transparent);pointer-events:auto}` +
  `.tidings-status[data-placement="inline"] .tidings-status-bar{width:100%}` +
  `.tidings-status-words{flex:1 1 220px;min-width:0}.tidings-status-words strong{display:block}` +
  `.tidings-status-count{font-variant-numeric:tabular-nums}` +
  `.tidings-status button,.tidings-status a{font:inherit;font-weight:600;color:inherit;background:none;text-decoration:none;cursor:pointer;` +
  `padding:5px 12px;border:1px solid currentColor;border-radius:calc(var(--tidings-status-radius,10px) - 3px)}` +
  `.tidings-status :focus-visible{outline:2px solid currentColor;outline-offset:2px}` +
  tones +
  `@media (prefers-reduced-motion:no-preference){.tidings-status-bar{animation:tidings-status .18s ease-out}` +
  `@keyframes tidings-status{from{opacity:0;translate:0 8px}}}`;
