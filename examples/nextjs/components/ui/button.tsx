// The one button, in four looks; `IconButton` shows an icon only and therefore must be named.
import type { ComponentProps } from "react";
import { Icon, type IconName } from "./icons";
import styles from "./button.module.css";

type Look = "primary" | "plain" | "ghost" | "danger";
type Props = ComponentProps<"button"> & { look?: Look };

export function Button({ look = "plain", className, type = "button", ...rest }: Props) {
  return <button type={type} className={[styles.button, styles[look], className].filter(Boolean).join(" ")} {...rest} />;
}

export function IconButton({ icon, label, look = "ghost", ...rest }: Omit<Props, "children"> & { icon: IconName; label: string }) {
  return (
    <Button look={look} className={styles.icon} aria-label={label} title={label} {...rest}>
      <Icon name={icon} />
    </Button>
  );
}
