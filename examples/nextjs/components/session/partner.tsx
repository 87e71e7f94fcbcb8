"use client";
// The other person of the session, whether they are here, and for a coach the way to end their log-ins.
import { useRef } from "react";
import { ApiFailure } from "@/lib/api";
import { failureToast } from "@/lib/failure-toast";
import type { ShownPresence } from "@/lib/presence";
import { useApp } from "@/components/shell/app-context";
import { Button } from "@/components/ui/button";
import { Icon } from "@/components/ui/icons";
import { Menu, MenuItem } from "@/components/ui/menu";
import { Person } from "@/components/ui/person";
import { useToast } from "@/components/ui/toasts";
import styles from "./session.module.css";

export function Partner({ partner, presence }: { partner: { id: string; name: string }; presence: ShownPresence }) {
  const { me, api } = useApp();
  const toast = useToast();
  const dialog = useRef<HTMLDialogElement>(null);
  const end = async () => {
    dialog.current?.close();
    try {
      await api.endSessionsOf(partner.id);
      toast({ key: `ended-${partner.id}`, kind: "done", title: "Sessions ended", message: `${partner.name} was logged out everywhere.` });
    } catch (failure) {
      if (failure instanceof ApiFailure) toast(failureToast(failure));
    }
  };
  return (
    <div className={styles.partner}>
      <Person name={partner.name} presence={presence} />
      {me.role !== "coachee" && (
        <Menu label={`More about ${partner.name}`} testId="partner-menu" button={<Icon name="more" />}>
          <MenuItem danger testId="end-sessions" onSelect={() => dialog.current?.showModal()}><Icon name="leave" /> End this person’s sessions</MenuItem>
        </Menu>
      )}
      <dialog ref={dialog} className={styles.dialog} aria-labelledby="end-title">
        <h2 id="end-title">End the sessions of {partner.name}?</h2>
        <p>They are logged out on every device at once, and have to log in again.</p>
        <div className={styles.choices}>
          <Button autoFocus onClick={() => dialog.current?.close()}>Cancel</Button>
          <Button look="danger" data-testid="confirm-end-sessions" onClick={() => void end()}>End sessions</Button>
        </div>
      </dialog>
    </div>
  );
}
