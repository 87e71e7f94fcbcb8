"use client";
// The editor of the shared notes: loaded with the first session page, not with the app.
import Collaboration from "@tiptap/extension-collaboration";
import Placeholder from "@tiptap/extension-placeholder";
import { EditorContent, useEditor, useEditorState, type Editor } from "@tiptap/react";
import StarterKit from "@tiptap/starter-kit";
import type { HocuspocusProvider } from "@hocuspocus/provider";
import { Icon } from "@/components/ui/icons";
import { useSharedText } from "./connection";
import { Skeleton } from "./skeleton";
import styles from "./editor.module.css";

export default function SharedNotes({ sessionId, port, onWriters }: { sessionId: string; port: number; onWriters: (userIds: readonly string[]) => void }) {
  const text = useSharedText(sessionId, port, onWriters);
  if (!text?.loaded) return <Skeleton />;
  return <Text provider={text.provider} unsynced={text.unsynced} />;
}

function Text({ provider, unsynced }: { provider: HocuspocusProvider; unsynced: boolean }) {
  const editor = useEditor({
    immediatelyRender: false,
    extensions: [StarterKit.configure({ undoRedo: false }), Collaboration.configure({ document: provider.document }), Placeholder.configure({ placeholder: "Write down together what is worth remembering" })],
    editorProps: { attributes: { "aria-label": "Shared notes", "aria-multiline": "true", role: "textbox", "data-testid": "shared-notes-text" } },
    onFocus: () => provider.setAwarenessField("writing", true),
    onBlur: () => provider.setAwarenessField("writing", false),
  }, [provider]);
  return (
    <div className={styles.notes} data-testid="shared-notes" data-unsynced={unsynced}>
      {editor ? <Tools editor={editor} unsynced={unsynced} /> : <div className={styles.tools} />}
      <EditorContent editor={editor} className={styles.text} />
    </div>
  );
}

function Tools({ editor, unsynced }: { editor: Editor; unsynced: boolean }) {
  const active = useEditorState({
    editor,
    selector: ({ editor: now }) => ({ bold: now.isActive("bold"), italic: now.isActive("italic"), heading: now.isActive("heading"), list: now.isActive("bulletList") }),
  });
  const edit = () => editor.chain().focus();
  return (
    <div className={styles.tools} role="toolbar" aria-label="Formatting">
      <Tool pressed={active.bold} label="Bold" onPress={() => edit().toggleBold().run()}><b>B</b></Tool>
      <Tool pressed={active.italic} label="Italic" onPress={() => edit().toggleItalic().run()}><i>I</i></Tool>
      <Tool pressed={active.heading} label="Heading" onPress={() => edit().toggleHeading({ level: 3 }).run()}>H</Tool>
      <Tool pressed={active.list} label="List" onPress={() => edit().toggleBulletList().run()}><Icon name="list" size={16} /></Tool>
      <span className={styles.saved} data-testid="shared-notes-saved">{unsynced ? "Not synced yet" : "Synced"}</span>
    </div>
  );
}

function Tool({ pressed, label, onPress, children }: { pressed: boolean; label: string; onPress: () => void; children: React.ReactNode }) {
  // The selection stays where it is.
  return <button type="button" className={styles.tool} aria-pressed={pressed} aria-label={label} title={label} onMouseDown={(event) => event.preventDefault()} onClick={onPress}>{children}</button>;
}
