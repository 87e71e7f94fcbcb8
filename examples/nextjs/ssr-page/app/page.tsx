// Rendered for each request, with what only the server knows beside what only the browser knows.
import { connection } from "next/server";
import { Live } from "./live";

export default async function Page() {
  await connection();
  return (
    <main>
      <h1>Rendered on the server</h1>
      <p data-testid="rendered-at">{new Date().toISOString()}</p>
      <Live />
    </main>
  );
}
