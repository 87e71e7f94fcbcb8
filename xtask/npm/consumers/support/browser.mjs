// A real Chromium, and a page that must not complain.
import { chromium } from "playwright-core";

const ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", headless: true, args: ARGUMENTS });
}

/** A page that ends with the test `t`; what it says as a warning or an error is in `page.complaints`. */
export async function open(t, browser, url) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("console", (message) => ["warning", "error"].includes(message.type()) && page.complaints.push(message.text()));
  await page.goto(url);
  return page;
}

/** The page's element that shows where its connection stands. */
export function showing(page, status) {
  return page.locator(`[data-testid=state]`, { hasText: new RegExp(`^${status}$`) }).waitFor();
}
