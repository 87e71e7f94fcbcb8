// The document.
import type { ReactNode } from "react";

export const metadata = { title: "Rendered on the server", icons: "data:," };

export default function Layout({ children }: { children: ReactNode }) {
  return <html lang="en"><body>{children}</body></html>;
}
