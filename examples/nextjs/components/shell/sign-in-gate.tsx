"use client";
// Asks who is logged in, and shows the pages to them alone; everybody else goes to the log-in page and comes back.
import { useRouter } from "next/navigation";
import { useCallback, useEffect, useState } from "react";
import { ApiFailure } from "@/lib/api";
import { currentUser } from "@/lib/coaching-api";
import type { User } from "@/lib/entities";
import { Button } from "@/components/ui/button";
import { Blank } from "@/components/ui/blank";
import { Splash } from "@/components/ui/splash";

export function SignInGate({ children }: { children: (me: User) => React.ReactNode }) {
  const router = useRouter();
  const [found, setFound] = useState<User | ApiFailure | null>(null);
  const ask = useCallback(async (signal?: AbortSignal) => {
    try {
      setFound((await currentUser(signal)).data);
    } catch (failure) {
      if (signal?.aborted || !(failure instanceof ApiFailure)) return;
      if (failure.code === "unauthorized") router.replace(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      else setFound(failure);
    }
  }, [router]);
  useEffect(() => {
    const abort = new AbortController();
    void ask(abort.signal);
    return () => abort.abort();
  }, [ask]);
  if (found === null) return <Splash />;
  if (found instanceof ApiFailure) {
    return <Blank icon="cloudOff" title="We cannot reach the server" text={found.message} action={<Button look="primary" onClick={() => void ask()}>Try again</Button>} />;
  }
  return children(found);
}
