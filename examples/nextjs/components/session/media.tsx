// Whether the recording and the transcript of the session moved.
import type { SessionPage } from "@/lib/session-page";
import { clockTime } from "@/lib/format";
import { Icon } from "@/components/ui/icons";
import { Section } from "./section";
import styles from "./session.module.css";

export function Media({ media }: { media: SessionPage["media"] }) {
  return (
    <Section title="Recording" icon="video" testId="media">
      <dl className={styles.media}>
        <div><dt><Icon name="video" size={16} /> Video</dt><dd aria-live="polite" data-testid="recording">{said(media.recording)}</dd></div>
        <div><dt><Icon name="text" size={16} /> Transcript</dt><dd aria-live="polite" data-testid="transcription">{said(media.transcription)}</dd></div>
      </dl>
    </Section>
  );
}

function said(at: string | null): string {
  return at === null ? "Nothing new" : `Updated at ${clockTime(at)}`;
}
