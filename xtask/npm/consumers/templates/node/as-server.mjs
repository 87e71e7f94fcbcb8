import { BackendEventProvider, EventType } from "@tidings/coaching-events";
import { fromUrl } from "@tidings/coaching-events/slim";
import { bindContract } from "@tidings/client";

const provider = new BackendEventProvider({ url: "https://api.example/sse" });
provider.on(EventType.NoteCreated, () => {});
provider.connect();
if (typeof fromUrl !== "function" || typeof bindContract !== "function") throw new Error("an entry lacks its export");
console.log(provider.state.status);
