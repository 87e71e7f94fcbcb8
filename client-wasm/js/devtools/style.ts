/** The looks of the panel: its own, so that it is the same on every page. */
export const STYLE =
  `.tidings-dev{position:fixed;z-index:2147483000;right:12px;bottom:12px;color-scheme:light dark;font:12px/1.45 ui-monospace,monospace;` +
  `color:light-dark(#1d2421,#e6ece8)}` +
  `.tidings-dev *{box-sizing:border-box}` +
  `.tidings-dev button,.tidings-dev input{font:inherit;color:inherit;background:light-dark(#fff,#26302b);border:1px solid light-dark(#b9c4be,#4b5a52);` +
  `border-radius:6px;padding:3px 9px;cursor:pointer}.tidings-dev input{cursor:text;min-width:0;flex:1 1 110px}` +
  `.tidings-dev :focus-visible{outline:2px solid light-dark(#0a6b45,#6fd3a4);outline-offset:1px}` +
  `.tidings-dev-toggle{display:flex;gap:7px;align-items:center;box-shadow:0 2px 10px rgb(0 0 0/.18)}` +
  `.tidings-dev-dot{width:9px;height:9px;border-radius:50%;background:var(--c)}` +
  `.tidings-dev-panel{display:flex;flex-direction:column;gap:8px;width:min(460px,calc(100vw - 24px));max-height:min(560px,calc(100vh - 24px));` +
  `padding:10px;border-radius:10px;background:light-dark(#f7faf8,#171d1a);border:1px solid light-dark(#c9d3cd,#3a4740);box-shadow:0 8px 30px rgb(0 0 0/.28)}` +
  `.tidings-dev-row{display:flex;flex-wrap:wrap;gap:6px;align-items:center}` +
  `.tidings-dev-row>strong{flex:1}` +
  `.tidings-dev-strip{display:flex;height:14px;border-radius:4px;overflow:hidden}.tidings-dev-strip>i{flex:1 1 3px;min-width:3px;background:var(--c)}` +
  `.tidings-dev dl{display:grid;grid-template-columns:auto 1fr auto 1fr;gap:1px 10px;margin:0}` +
  `.tidings-dev dt{color:light-dark(#52605a,#9fb0a7)}.tidings-dev dd{margin:0;overflow:hidden;text-overflow:ellipsis;white-space:nowrap}` +
  `.tidings-dev ol{margin:0;padding:0;list-style:none;overflow:auto;min-height:60px;border-top:1px solid light-dark(#d8e0dc,#2f3a34)}` +
  `.tidings-dev li{border-bottom:1px solid light-dark(#e3e9e6,#262f2a)}` +
  `.tidings-dev summary{display:flex;gap:8px;padding:4px 2px;cursor:pointer;list-style:none}.tidings-dev summary>b{flex:1;overflow:hidden;text-overflow:ellipsis}` +
  `.tidings-dev small{font-size:11px;color:light-dark(#52605a,#9fb0a7)}` +
  `.tidings-dev pre{margin:0;padding:6px;overflow:auto;max-height:220px;background:light-dark(#eef3f0,#0f1412);border-radius:6px;white-space:pre-wrap;word-break:break-word}`;

/** What colour a state has. */
export const COLOURS: Readonly<Record<string, string>> = {
  idle: "#8a9791",
  connecting: "#5b8def",
  online: "#1f9d63",
  reconnecting: "#d9960a",
  offline: "#b5740b",
  "long-broken": "#d2452f",
  unauthorized: "#9b4bd1",
  closed: "#6b7671",
};
