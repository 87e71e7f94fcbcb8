// A process that says it is a page connects like one: what a test runner or a desktop shell does.
import { BackendEventProvider, EventType } from "@tidings/coaching-events";

globalThis.window = new EventTarget();
const provider = new BackendEventProvider({ url: process.argv[2], networkTarget: null });
provider.onError((error) => console.error(error));
provider.on(EventType.NoteCreated, ({ note }, { id }) => {
  console.log(JSON.stringify({ id, body: note.body }));
  provider.close();
});
await provider.whenOnline();
console.log("online");
