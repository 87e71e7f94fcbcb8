"use client";
// The log-in page: says why somebody was logged out, and leads back to where they were.
import { useRouter, useSearchParams } from "next/navigation";
import { useEffect, useState } from "react";
import { forgetFarewell, readFarewell } from "@/lib/farewell";
import { Icon } from "@/components/ui/icons";
import { LogInForm } from "@/components/ui/log-in-form";
import { Logo } from "@/components/ui/logo";
import styles from "./sign-in.module.css";

export function SignIn() {
  const router = useRouter();
  const next = useSearchParams().get("next");
  const [farewell, setFarewell] = useState<string | null>(null);
  useEffect(() => setFarewell(readFarewell()), []);
  return (
    <main className={styles.page}>
      <div className={styles.card}>
        <Logo />
        <h1>Welcome back</h1>
        <p className={styles.lead}>Log in to see your coaching sessions.</p>
        {farewell && <p role="alert" className={styles.farewell} data-testid="farewell"><Icon name="lock" size={20} /><span><strong>You were logged out.</strong> {farewell}</span></p>}
        <LogInForm onLogIn={() => {
          forgetFarewell();
          router.replace(ownPath(next));
        }} />
      </div>
    </main>
  );
}

/** Only a path of this site: a link must not send somebody elsewhere after the log-in. */
function ownPath(next: string | null): string {
  return next !== null && /^\/(?![/\\])/.test(next) ? next : "/";
}
