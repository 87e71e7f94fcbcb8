// How a refused request and an application error read as a toast; both about one request share one key.
import type { ApiFailure, FailureCode } from "./api";
import type { ApplicationError } from "./entities";
import { sentence } from "./format";
import type { Toast, ToastKind } from "@/components/ui/toasts";

const TITLES: Readonly<Record<FailureCode | ApplicationError["code"], readonly [ToastKind, string]>> = {
  conflict: ["conflict", "Changed by somebody else"],
  permission_lost: ["permission", "No access"],
  validation_failed: ["invalid", "Not saved: please check"],
  save_failed: ["failed", "Not saved"],
  not_found: ["conflict", "No longer there"],
  unauthorized: ["permission", "Not saved: log-in ended"],
  unreachable: ["failed", "Not saved"],
  failed: ["failed", "Not saved"],
};

export function failureToast(failure: ApiFailure): Toast {
  return toast(failure.code, failure.message, failure.correlationId);
}

export function applicationErrorToast(error: ApplicationError): Toast {
  return toast(error.code, error.message, error.correlation_id ?? `${error.code} ${error.about?.id ?? ""} ${error.message}`);
}

function toast(code: keyof typeof TITLES, message: string, key: string): Toast {
  const [kind, title] = TITLES[code];
  return { key, kind, title, message: code === "validation_failed" ? sentence(message) : message };
}
