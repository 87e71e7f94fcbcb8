// The platform's REST surface, as another program would use it.
export class Api {
  #cookie;

  constructor(url, cookie, user) {
    this.url = url;
    this.#cookie = cookie;
    this.user = user;
  }

  static async logIn(url, { email, password }) {
    const answer = await fetch(`${url}/login`, { method: "POST", body: new URLSearchParams({ email, password }), redirect: "manual" });
    if (!answer.ok) throw new Error(`POST /login: ${answer.status} ${await answer.text()}`);
    const cookie = answer.headers.getSetCookie().map((cookie) => cookie.split(";")[0]).join("; ");
    return new Api(url, cookie, (await answer.json()).data);
  }

  get cookie() {
    return this.#cookie;
  }

  /** The `data` of the answer; anything but 2xx is an error. */
  async call(method, path, body) {
    const answer = await fetch(`${this.url}${path}`, {
      method,
      headers: { cookie: this.#cookie, ...(body === undefined ? {} : { "content-type": "application/json" }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text).data;
  }

  /** The relationship of the seeded pair and its first session. */
  async seeded() {
    const [organization] = await this.call("GET", `/users/${this.user.id}/organizations`);
    const [relationship] = await this.call("GET", `/organizations/${organization.id}/coaching_relationships`);
    const sessions = await this.call("GET", `/coaching_sessions?coaching_relationship_id=${relationship.id}`);
    return { organization, relationship, session: sessions[0] };
  }
}
