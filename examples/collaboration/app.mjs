// What the coaching server says about the cookie of a connection.

const TIMEOUT_MS = 5_000;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export class App {
  #url;
  /** Questions under way: tabs of one person are asked about once. */
  #asked = new Map();

  constructor(url) {
    this.#url = url;
  }

  /** Whether somebody is logged in with it: `yes`, `no`, or `silent` when the app does not say. */
  knows(cookie) {
    return this.#ask("/users/me", cookie);
  }

  /** Whether that person may see the session. */
  maySee(session, cookie) {
    return UUID.test(session) ? this.#ask(`/coaching_sessions/${session}`, cookie) : Promise.resolve("no");
  }

  #ask(path, cookie = "") {
    const key = `${path} ${cookie}`;
    const asked = this.#asked.get(key) ?? this.#request(path, cookie).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asked);
    return asked;
  }

  async #request(path, cookie) {
    try {
      const { status, body } = await fetch(new URL(path, this.#url), { headers: { cookie }, signal: AbortSignal.timeout(TIMEOUT_MS) });
      await body?.cancel();
      if (status === 200) return "yes";
      return [401, 403, 404].includes(status) ? "no" : "silent";
    } catch {
      return "silent";
    }
  }
}
