// A path that leads nowhere.
import Link from "next/link";
import { Blank } from "@/components/ui/blank";

export default function NotFound() {
  return <main><Blank icon="calendar" title="There is no such page" text="It may have moved, or the link is not complete." action={<Link href="/">All sessions</Link>} /></main>;
}
