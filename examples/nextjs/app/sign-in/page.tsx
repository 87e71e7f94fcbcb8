// The log-in page.
import type { Metadata } from "next";
import { Suspense } from "react";
import { SignIn } from "@/components/shell/sign-in";

export const metadata: Metadata = { title: "Log in" };

export default function SignInPage() {
  return <Suspense><SignIn /></Suspense>;
}
