"use client";
// Email and password, on the log-in page and in the dialog over an open page.
import { useId, useState, type FormEvent } from "react";
import { ApiFailure } from "@/lib/api";
import { logIn } from "@/lib/coaching-api";
import type { User } from "@/lib/entities";
import { Button } from "./button";
import { Icon } from "./icons";
import field from "./field.module.css";
import styles from "./log-in-form.module.css";

export function LogInForm({ email = "", onLogIn }: { email?: string; onLogIn: (user: User) => void }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const entered = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      onLogIn(await logIn(String(entered.get("email")), String(entered.get("password"))));
    } catch (failure) {
      const wrong = failure instanceof ApiFailure && failure.code === "unauthorized";
      setProblem(wrong ? "Email or password is not right. Please try again." : "The server could not be reached. Please try again in a moment.");
    } finally {
      setBusy(false);
    }
  };
  return (
    <form className={styles.form} onSubmit={(event) => void submit(event)} data-testid="log-in-form">
      <label className={field.field}>
        Email
        <input className={field.input} name="email" type="email" autoComplete="username" required defaultValue={email} aria-invalid={problem !== null} aria-describedby={id} data-testid="email" />
      </label>
      <label className={field.field}>
        Password
        <input className={field.input} name="password" type="password" autoComplete="current-password" required aria-invalid={problem !== null} aria-describedby={id} data-testid="password" />
      </label>
      <p id={id} role="alert" className={styles.problem} data-testid="log-in-problem">{problem && <><Icon name="warn" /> {problem}</>}</p>
      <Button look="primary" type="submit" disabled={busy} data-testid="log-in">{busy ? "Logging in…" : "Log in"}</Button>
    </form>
  );
}
