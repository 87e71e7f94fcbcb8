// A real Chromium, one per test file, and people in contexts of their own.
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export async function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ARGUMENTS });
}

/** A browser of its own for a test; what a page says that it should not is collected in `page.complaints`. */
export async function person(t, browser, url, { email, password }, options = {}) {
  const context = await browser.newContext({ baseURL: url, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  if (email !== undefined) await logIn(page, email, password);
  return page;
}

export async function logIn(page, email, password) {
  await page.goto("/sign-in");
  await fillLogIn(page, email, password);
  await page.getByTestId("sessions").waitFor();
}

export async function fillLogIn(page, email, password) {
  await page.getByTestId("email").fill(email);
  await page.getByTestId("password").fill(password);
  await page.getByTestId("log-in").click();
}

/** The first session of the list, on screen and live. */
export async function openSession(page) {
  await page.getByTestId("session-link").first().click();
  await page.getByTestId("session").waitFor();
  await online(page);
}

export async function online(page) {
  await page.locator("[data-testid=connection-mark][data-status=online]").waitFor({ state: "attached" });
}

/** Kept when SCREENSHOTS names a folder, to be looked at. */
export async function screenshot(page, name) {
  const folder = process.env.SCREENSHOTS;
  if (folder === undefined) return;
  await mkdir(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: false, animations: "disabled" });
}
