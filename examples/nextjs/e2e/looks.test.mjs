// What a person sees beside the usual page: nothing there yet, on its way, not to be had, not theirs. And what is true of all
// of them: enough contrast, one heading, no motion for those who want none, nothing that jumps.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Api } from "./support/api.mjs";
import { launch, online, person, screenshot } from "./support/browser.mjs";
import { Proxy } from "./support/proxy.mjs";
import { COACH, COACHEE, CoachingServer } from "./support/server.mjs";

const LOOKS = [
  ["light", { colorScheme: "light" }],
  ["dark", { colorScheme: "dark" }],
  ["phone", { colorScheme: "light", viewport: { width: 375, height: 740 }, reducedMotion: "reduce" }],
];
const NOBODYS = "0192f8a0-0000-7000-8000-000000000000";

let browser;
before(async () => (browser = await launch()));
after(() => browser.close());

/** A server with a session that has been prepared and one that has not, and a coachee's page behind a proxy. */
async function house(t, look) {
  const server = await CoachingServer.start(t);
  const coach = await Api.logIn(server.url, COACH);
  const { relationship, session } = await coach.seeded();
  const fresh = await coach.call("POST", "/coaching_sessions", { coaching_relationship_id: relationship.id, date: "2030-01-01T10:00:00Z" });
  const proxy = await Proxy.start(t, server.port);
  const page = await person(t, browser, proxy.url, COACHEE, look);
  return { page, proxy, session, fresh };
}

/** Of all visible text on the page, what has less contrast to what lies behind it than WCAG 2.2 AA asks for. */
const faint = (page) => page.evaluate(() => {
  const parse = (colour) => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const behind = (element) => {
    const layers = [];
    for (let one = element; one !== null; one = one.parentElement) layers.unshift(parse(getComputedStyle(one).backgroundColor));
    return layers.reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const light = (colour) => {
    const [r, g, b] = colour.map((part) => part / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { parentElement: element, textContent } = texts.currentNode;
    if (textContent.trim() === "" || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) || element.closest("[disabled], script, style, .visually-hidden")) continue;
    const style = getComputedStyle(element);
    const ground = behind(element);
    const [a, b] = [light(over(parse(style.color), ground)), light(ground)].sort((x, y) => y - x);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < (large ? 3 : 4.5)) found.push(`${textContent.trim().slice(0, 30)}: ${ratio.toFixed(2)}`);
  }
  return found;
});

/** What moves for longer than a frame. */
const moving = (page) => page.evaluate(() => document.getAnimations()
  .filter(({ playState, effect }) => playState === "running" && effect.getComputedTiming().activeDuration > 16)
  .map(({ animationName, transitionProperty, effect }) => `${animationName ?? transitionProperty} of ${effect.target.className}`));

/** What must be true of a page in whatever state it is. */
async function isSound(page, name, { still = false } = {}) {
  assert.deepEqual(await faint(page), [], `${name}: text of too little contrast`);
  assert.equal(await page.locator("h1").count(), 1, `${name}: headings of the first level`);
  const nameless = await page.evaluate(() => [...document.querySelectorAll("button, a, input, select, textarea")]
    .filter((one) => one.checkVisibility() && !(one.ariaLabel || one.innerText?.trim() || one.labels?.length || one.title || one.placeholder || one.getAttribute("aria-labelledby")))
    .map((one) => one.outerHTML.slice(0, 100)));
  assert.deepEqual(nameless, [], `${name}: controls without a name`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${name}: ${wide} px wider than the window`);
  if (still) {
    assert.deepEqual(await moving(page), [], `${name}: what moves though less motion is preferred`);
  }
}

for (const [name, look] of LOOKS) {
  test(`each page has its word for each state (${name})`, async (t) => {
    const still = look.reducedMotion === "reduce";
    const { page, session, fresh } = await house(t, look);
    await online(page);
    await isSound(page, "sessions", { still });
    await screenshot(page, `${name}-sessions`);

    // On its way.
    let go;
    const held = new Promise((resolve) => (go = resolve));
    const isData = (url) => url.pathname.startsWith("/coaching_sessions/");
    await page.route(isData, async (route) => (await held, route.continue()));
    await page.goto(`/session?id=${fresh.id}`);
    await page.getByTestId("loading").waitFor();
    await screenshot(page, `${name}-loading`);
    if (still) assert.deepEqual(await moving(page), [], "what moves though less motion is preferred");
    go();

    // Nothing there yet.
    await page.getByTestId("session").waitFor();
    await online(page);
    await isSound(page, "an empty session", { still });
    await screenshot(page, `${name}-empty`);
    await page.unroute(isData);

    // Not to be had, and had after all.
    await page.route(isData, (route) => route.fulfill({ status: 503, contentType: "application/json", body: "{}" }));
    await page.goto(`/session?id=${session.id}`);
    await page.getByTestId("load-failed").waitFor();
    await isSound(page, "a failed load", { still });
    await screenshot(page, `${name}-failed`);
    await page.unroute(isData);
    await page.getByTestId("try-again").click();
    await page.getByTestId("session").waitFor();
    await isSound(page, "a session", { still });
    await screenshot(page, `${name}-session`);

    // Nobody's, and nowhere.
    await page.goto(`/session?id=${NOBODYS}`);
    await page.getByTestId("no-access").waitFor();
    await isSound(page, "no such session", { still });
    await screenshot(page, `${name}-no-access`);
    await page.goto("/no-such-page");
    await page.locator("h1").waitFor();
    await isSound(page, "no such page", { still });
    await screenshot(page, `${name}-no-page`);
  });
}

for (const [name, look] of [LOOKS[0], LOOKS[2]]) test(`nothing moves when the partner's name or the notice of trouble comes (${name})`, async (t) => {
  const { page, proxy, session } = await house(t, look);
  let go;
  const held = new Promise((resolve) => (go = resolve));
  await page.route("**/coaching_relationships**", async (route) => (await held, route.continue()));
  await page.goto(`/session?id=${session.id}`);
  await page.getByTestId("session").waitFor();
  await online(page);
  // Where no text is shared, the place that was kept for it is given up once that is known.
  await page.getByTestId("shared-notes-loading").waitFor({ state: "detached" });
  const place = () => page.evaluate(() => [...document.querySelectorAll("main, header, h1, h2, [data-testid=session], [data-testid=action]")]
    .filter((one) => one.checkVisibility())
    .map((one) => [one.tagName, one.innerText.slice(0, 20), one.getBoundingClientRect().top, one.getBoundingClientRect().height]));
  const heading = ([tag, , top, height]) => [tag, top, height];
  const early = await place();
  go();
  await page.getByTestId("partner").waitFor();
  const before = await place();
  assert.deepEqual(before.map(heading), early.map(heading));
  proxy.become("502");
  await page.getByTestId("retry-now").waitFor();
  assert.deepEqual((await place()).map(heading), before.map(heading));
});
