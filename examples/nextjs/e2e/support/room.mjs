// A coach and a coachee before the same session page, and the programs that change it.
import { Api } from "./api.mjs";
import { online, openSession, person } from "./browser.mjs";
import { ADMIN, COACH, COACHEE, CoachingServer } from "./server.mjs";

/** `{ server, coach, coachee, session, apis }`; the pages go through `through(server)` where given. */
export async function room(t, browser, { args = [], through = async (server) => server.url } = {}) {
  const server = await CoachingServer.start(t, ...args);
  const url = await through(server);
  const [coach, coachee] = await Promise.all([COACH, COACHEE].map((who) => person(t, browser, url, who)));
  const [asCoach, asCoachee, asAdmin] = await Promise.all([COACH, COACHEE, ADMIN].map((who) => Api.logIn(server.url, who)));
  const { relationship, session } = await asCoach.seeded();
  for (const page of [coach, coachee]) {
    await page.goto(`/session?id=${session.id}`);
    await page.getByTestId("session").waitFor();
    await online(page);
  }
  return { server, url, coach, coachee, asCoach, asCoachee, asAdmin, relationship, session };
}

export { openSession };
