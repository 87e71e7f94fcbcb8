import wasm from "@tidings/coaching-events/coaching_events_bg.wasm?url";
import { createBackendEventProvider, EventType } from "@tidings/coaching-events";
import { fromUrl } from "@tidings/coaching-events/slim";

const options = new URLSearchParams(location.search);
const url = options.get("events") ?? "/sse";
const create = options.has("slim") ? fromUrl(wasm).createBackendEventProvider : createBackendEventProvider;

const provider = create({ url });
provider.onState(({ status }) => (document.querySelector("[data-testid=state]")!.textContent = status), { immediate: true });
provider.on(EventType.NoteCreated, ({ note }) => {
  const line = document.createElement("p");
  line.dataset.testid = "note";
  line.textContent = note.id;
  document.body.append(line);
});
