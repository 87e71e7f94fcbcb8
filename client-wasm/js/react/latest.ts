"use client";
/** The value of the last committed render, for callbacks that outlive the render that made them. */
import { useInsertionEffect, useRef } from "react";

/** A stable box that holds `value` from each commit on: before any layout effect, never from a discarded render. */
export function useLatest<T>(value: T): { readonly current: T } {
  const box = useRef(value);
  useInsertionEffect(() => {
    box.current = value;
  });
  return box;
}
