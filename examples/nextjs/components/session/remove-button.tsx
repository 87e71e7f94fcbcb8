"use client";
// Deletes on the second press: the first asks, and looking elsewhere takes it back.
import { useState } from "react";
import { Button, IconButton } from "@/components/ui/button";

export function RemoveButton({ label, testId, onRemove }: { label: string; testId: string; onRemove: () => void }) {
  const [asked, setAsked] = useState(false);
  if (!asked) return <IconButton icon="trash" label={label} data-testid={testId} onClick={() => setAsked(true)} />;
  return <Button look="danger" autoFocus aria-label={`Confirm: ${label}`} data-testid={`confirm-${testId}`} onBlur={() => setAsked(false)} onClick={onRemove}>Delete?</Button>;
}
