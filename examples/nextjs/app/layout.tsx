// The document: the colour scheme is set before the first paint, and a link skips to the content.
import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { THEME_SCRIPT } from "@/lib/theme";
import { Toasts } from "@/components/ui/toasts";
import "./globals.css";

export const metadata: Metadata = { title: { default: "Tidings Coaching", template: "%s · Tidings Coaching" }, description: "Coaching sessions that both of you see as they happen." };
export const viewport: Viewport = { width: "device-width", initialScale: 1 };

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: THEME_SCRIPT }} />
      </head>
      <body>
        <Toasts>{children}</Toasts>
      </body>
    </html>
  );
}
