// The colour scheme: the system's until the person chooses one; `data-theme` on the root element carries what is in force.

export type Theme = "light" | "dark";

const KEY = "coaching-theme";

/** Runs in the head, so that a dark page never flashes white. Storage may be refused: then the system decides. */
export const THEME_SCRIPT = `(()=>{const system=matchMedia("(prefers-color-scheme: dark)");const apply=()=>{let chosen=null;try{chosen=localStorage.getItem("${KEY}")}catch{}document.documentElement.dataset.theme=chosen??(system.matches?"dark":"light")};apply();system.addEventListener("change",apply)})()`;

export function currentTheme(): Theme {
  return document.documentElement.dataset.theme === "dark" ? "dark" : "light";
}

export function chooseTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Storage is refused in some private windows: the choice then lasts as long as the page.
  }
}
