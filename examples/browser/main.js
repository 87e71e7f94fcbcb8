import { createBackendEventProvider } from "@tidings/coaching-events";

const part = (name) => document.querySelector(`[data-testid=${name}]`);
const url = new URLSearchParams(location.search).get("events") ?? "http://127.0.0.1:4000/sse?user=anna";
const provider = createBackendEventProvider({ url });

/** What a person should read beside the name of a state. */
function why(state) {
  switch (state.status) {
    case "reconnecting":
    case "offline":
    case "long-broken":
      return state.retryAt === null ? "trying …" : `next try at ${new Date(state.retryAt).toLocaleTimeString()}`;
    case "unauthorized":
      return state.reason.message;
    case "closed":
      return state.reason.message ?? state.reason;
    default:
      return "";
  }
}

provider.onState((state) => {
  document.body.dataset.status = state.status;
  part("state").textContent = state.status;
  part("why").textContent = why(state);
  part("retry").hidden = ["idle", "connecting", "online"].includes(state.status);
}, { immediate: true });
part("retry").addEventListener("click", () => (provider.state.status === "closed" ? provider.connect() : provider.reconnect()));

function show(type, data, { id, replayed, receivedAt }) {
  const line = document.createElement("li");
  line.dataset.type = type;
  const heading = document.createElement("p");
  const name = document.createElement("strong");
  name.textContent = type;
  heading.append(name, ` ${new Date(receivedAt).toLocaleTimeString()}${replayed ? ", made up for" : ""}`);
  const payload = document.createElement("pre");
  payload.textContent = JSON.stringify(data, null, 2);
  line.append(heading, payload);
  line.title = id ?? "";
  part("events").prepend(line);
  while (part("events").childElementCount > 100) part("events").lastElementChild.remove();
  part("empty").hidden = true;
}

provider.onAny(({ type, data, meta }) => show(type, data, meta));
provider.onUnknown((type, data, meta) => show(type, data, meta));
provider.onResync(() => console.info("a page with data of its own would fetch it again here"));
