/** Why a request of ours got no response, in a few words that are the same for the same cause. */
import { shortened } from "../shared/shortened.ts";

const MOST_TEXT = 100;

/** @param error what `fetch` threw. @param timeoutMs how long a response was waited for. */
export function failureOf(error: unknown, timeoutMs: number): string {
  const { name, message, code } = error as Error & { code?: string };
  if (name === "TimeoutError") return `no response in ${timeoutMs / 1000} s`;
  return shortened(code ?? message, MOST_TEXT);
}
