"use client";
// The header of every page: where one is, whether it is live, the colour scheme, and the account.
import Link from "next/link";
import { useSyncExternalStore } from "react";
import { useBackendEventProvider } from "@tidings/coaching-events/react";
import { initials } from "@/lib/format";
import { chooseTheme, currentTheme } from "@/lib/theme";
import { IconButton } from "@/components/ui/button";
import { Icon } from "@/components/ui/icons";
import { Logo } from "@/components/ui/logo";
import { Menu, MenuItem } from "@/components/ui/menu";
import { useApp } from "./app-context";
import { ConnectionMark } from "./connection-mark";
import styles from "./header.module.css";

export function Header() {
  return (
    <header className={styles.header}>
      <a href="#content" className={styles.skip}>Skip to content</a>
      <div className={styles.inner}>
        <Link href="/" className={styles.home} aria-label="Tidings Coaching, all sessions"><Logo /></Link>
        <div className={styles.tools}>
          <ConnectionMark />
          <ThemeSwitch />
          <Account />
        </div>
      </div>
    </header>
  );
}

function ThemeSwitch() {
  const theme = useSyncExternalStore(onThemeChange, currentTheme, () => "light" as const);
  const other = theme === "dark" ? "light" : "dark";
  return <IconButton icon={theme === "dark" ? "sun" : "moon"} label={`Use the ${other} colours`} data-testid="theme-switch" onClick={() => chooseTheme(other)} />;
}

function onThemeChange(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => observer.disconnect();
}

function Account() {
  const { me, api } = useApp();
  const provider = useBackendEventProvider();
  const name = `${me.first_name} ${me.last_name}`;
  const logOut = async () => {
    provider.close();
    await api.logOut().catch(() => undefined); // Without an answer the log-in page still is the right place.
    location.assign("/sign-in");
  };
  return (
    <Menu label={`Account of ${name}`} testId="account-menu" button={<span className={styles.avatar} aria-hidden="true">{initials(name)}</span>}>
      <div className={styles.who}>
        <strong>{name}</strong>
        <span>{me.email}</span>
        <span className={styles.role}>{me.role}</span>
      </div>
      <MenuItem testId="log-out" onSelect={() => void logOut()}><Icon name="leave" /> Log out</MenuItem>
    </Menu>
  );
}
