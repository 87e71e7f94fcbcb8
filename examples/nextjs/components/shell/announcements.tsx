"use client";
// What operators tell everybody: a strip under the header that stays until it is dismissed.
import { useState } from "react";
import { EventType, type Events } from "@tidings/coaching-events";
import { useBackendEvent } from "@tidings/coaching-events/react";
import { IconButton } from "@/components/ui/button";
import { Icon } from "@/components/ui/icons";
import styles from "./announcements.module.css";

type Announcement = Events["system_announcement"] & { readonly key: string };

/** The newest few: an older announcement is history. */
const AT_ONCE = 3;

export function Announcements() {
  const [shown, setShown] = useState<readonly Announcement[]>([]);
  useBackendEvent(EventType.SystemAnnouncement, (announcement, { id, receivedAt }) => {
    const key = id ?? String(receivedAt);
    setShown((before) => [...before.filter((one) => one.key !== key), { ...announcement, key }].slice(-AT_ONCE));
  });
  return (
    <div className={styles.strip} aria-live="polite" data-testid="announcements">
      {shown.map(({ key, message, severity }) => (
        <div key={key} className={styles.announcement} data-severity={severity} data-testid="announcement">
          <Icon name="horn" size={20} />
          <p><strong>Announcement</strong> {message}</p>
          <IconButton icon="close" label="Dismiss the announcement" onClick={() => setShown((before) => before.filter((one) => one.key !== key))} />
        </div>
      ))}
    </div>
  );
}
