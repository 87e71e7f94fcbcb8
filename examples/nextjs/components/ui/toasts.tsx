"use client";
// Toasts: what the application says about a request. Connection trouble never comes here; it has a bar of its own.
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from "react";
import { Icon, type IconName } from "./icons";
import styles from "./toasts.module.css";

export type ToastKind = "conflict" | "permission" | "invalid" | "failed" | "done";

export interface Toast {
  /** Toasts with one key are one toast: a refusal and the application error about the same request do not show twice. */
  readonly key: string;
  readonly kind: ToastKind;
  readonly title: string;
  readonly message: string;
}

/** Long enough to read two sentences twice; it waits while the pointer or the focus is on it. */
const SHOWN_MS = 12_000;
/** More than fit on a phone would hide the page. */
const AT_ONCE = 4;

const ICONS: Readonly<Record<ToastKind, IconName>> = { conflict: "swap", permission: "lock", invalid: "warn", failed: "warn", done: "check" };

const ShowToast = createContext<(toast: Toast) => void>(() => undefined);

export function useToast(): (toast: Toast) => void {
  return useContext(ShowToast);
}

export function Toasts({ children }: { children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const show = useCallback((toast: Toast) => setToasts((shown) => [...shown.filter(({ key }) => key !== toast.key), toast].slice(-AT_ONCE)), []);
  const dismiss = useCallback((key: string) => setToasts((shown) => shown.filter((toast) => toast.key !== key)), []);
  const region = useMemo(() => toasts.map((toast) => <ToastCard key={toast.key} toast={toast} dismiss={dismiss} />), [toasts, dismiss]);
  return (
    <ShowToast.Provider value={show}>
      {children}
      <section className={styles.region} aria-label="Messages" data-testid="toasts">{region}</section>
    </ShowToast.Provider>
  );
}

function ToastCard({ toast, dismiss }: { toast: Toast; dismiss: (key: string) => void }) {
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held) return;
    const timer = setTimeout(() => dismiss(toast.key), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [held, toast, dismiss]);
  return (
    <div role={toast.kind === "done" ? "status" : "alert"} className={`${styles.toast} ${styles[toast.kind]}`} data-testid="toast" data-kind={toast.kind} onMouseEnter={() => setHeld(true)} onMouseLeave={() => setHeld(false)} onFocus={() => setHeld(true)} onBlur={() => setHeld(false)}>
      <Icon name={ICONS[toast.kind]} size={20} />
      <p className={styles.title}>{toast.title}</p>
      <p className={styles.message}>{toast.message}</p>
      <button type="button" className={styles.dismiss} aria-label="Dismiss" onClick={() => dismiss(toast.key)}>
        <Icon name="close" size={16} />
      </button>
    </div>
  );
}
