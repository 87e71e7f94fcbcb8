import { createBackendEventProvider } from "@tidings/coaching-events";

const part = (name) => document.querySelector(`[data-testid=${name}]`);
const tab = crypto.randomUUID();
const counts = { received: 0, missed: 0, repeated: 0, gaps: 0, moves: 0 };
const last = new Map();
let here = null;
let instances = [];

function count(what) {
  part(what).textContent = String(++counts[what]);
}

const provider = createBackendEventProvider({
  url: `/sse?tab=${tab}`,
  fetch: async (url, init) => {
    const answer = await fetch(url, init);
    const instance = answer.headers.get("x-tidings-instance");
    if (answer.ok && instance !== null) moved(instance);
    return answer;
  },
});

function moved(instance) {
  if (here !== null && here !== instance) count("moves");
  here = instance;
  part("here").textContent = here;
  show();
}

provider.onState((state) => {
  document.body.dataset.status = state.status;
  part("state").textContent = state.status;
});
provider.onResync((reason) => {
  // Nothing to fetch here; what an instance has counted so far is where this tab begins.
  if (reason !== "initial") count("gaps");
});
provider.on("action_created", ({ action }) => {
  const [who, run, number] = action.body.split(" ");
  const before = last.get(`${who} ${run}`);
  const now = Number(number);
  last.set(`${who} ${run}`, Math.max(now, before ?? 0));
  count("received");
  if (before !== undefined && now <= before) count("repeated");
  for (let n = (before ?? now) + 1; n < now; n++) count("missed");
  const line = document.createElement("li");
  for (const [kind, text] of [["who", who], ["number", `says ${now}`], ["via", `read from ${here}`]]) {
    line.append(Object.assign(document.createElement("span"), { className: kind, textContent: text }));
  }
  part("feed").prepend(line);
  while (part("feed").childElementCount > 12) part("feed").lastElementChild.remove();
});

/** Buttons stay the same elements, so that a keyboard's focus does too. */
function show() {
  for (const { name, runs, streams } of instances) {
    const item = part(`instance-${name}`) ?? made(name);
    item.dataset.runs = String(runs);
    item.dataset.here = String(runs && name === here);
    const tabs = streams === null ? "starting …" : `${streams} ${streams === 1 ? "tab" : "tabs"}`;
    item.querySelector(".about").textContent = runs ? `${tabs}${name === here ? ", this one too" : ""}` : "killed";
    const button = item.querySelector("button");
    button.textContent = runs ? "Kill -9" : "Start";
    button.setAttribute("aria-label", `${runs ? "Kill" : "Start"} instance ${name}`);
  }
}

function made(name) {
  const item = Object.assign(document.createElement("li"), { innerHTML: `<span class="name"></span><span class="about"></span><button type="button"></button>` });
  item.dataset.testid = `instance-${name}`;
  item.querySelector(".name").textContent = `Instance ${name}`;
  item.querySelector("button").addEventListener("click", async () => {
    const { runs } = instances.find((instance) => instance.name === name);
    await fetch(`/instances/${name}/${runs ? "kill" : "start"}`, { method: "POST" });
    await look();
  });
  part("instances").append(item);
  return item;
}

async function look() {
  const answer = await fetch("/instances").catch(() => null);
  if (answer?.ok) instances = await answer.json();
  show();
}

provider.connect();
await look();
setInterval(look, 1000);
