// The texts as files, one per session, each replaced as a whole.
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { join } from "node:path";
import { applyUpdate, encodeStateAsUpdate } from "yjs";

const RETRY_MS = 1_000;

export class Documents {
  #folder;
  /** About how large each open text is: the state that was last kept, and all that has come since. */
  #bytes = new Map();
  #forgotten = () => {};

  static async open(folder) {
    await mkdir(folder, { recursive: true });
    const documents = new Documents();
    documents.#folder = folder;
    return documents;
  }

  /** Fills a new document. A file that cannot be read is an error: an empty text would take its place. */
  async load(name, document) {
    const state = await readFile(this.#path(name)).catch((error) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (state !== null) applyUpdate(document, state);
    this.#bytes.set(name, state?.length ?? 0);
  }

  /** Returns once the text is on the disk; while that is full or away it goes on trying, and the text stays in memory. */
  async store(name, document) {
    for (;;) {
      const state = encodeStateAsUpdate(document);
      try {
        await replace(this.#path(name), state);
        this.#bytes.set(name, state.length);
        return;
      } catch (error) {
        console.error(`notes: ${name} is not kept (${error.message}); make room or rights in ${this.#folder}, it is tried again`);
        await new Promise((done) => setTimeout(done, RETRY_MS));
      }
    }
  }

  bytes(name) {
    return this.#bytes.get(name) ?? 0;
  }

  /** Something of so many bytes was written. */
  grew(name, bytes) {
    this.#bytes.set(name, this.bytes(name) + bytes);
  }

  forget(name) {
    this.#bytes.delete(name);
    this.#forgotten();
  }

  /** Resolves when no text is open any more, and so all are kept. */
  async settled(notes) {
    while (notes.getDocumentsCount() > 0) await new Promise((forgotten) => (this.#forgotten = forgotten));
  }

  #path(name) {
    return join(this.#folder, `${name}.yjs`);
  }
}

async function replace(path, bytes) {
  const next = `${path}.next`;
  const file = await open(next, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(next, path);
}
