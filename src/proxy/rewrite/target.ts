/** What a server is asked for instead of what the client asked for (`RouteRewrite`). */
import type { RouteSpec } from "../../protocol/route.ts";

/** Bytes that rewriting by one of `routes` may add to a head. */
export function longestRewrite(routes: readonly RouteSpec[]): number {
  let longest = 0;
  for (const { rewrite } of routes) {
    const bytes = Buffer.byteLength(rewrite?.path?.value ?? "") + Buffer.byteLength(rewrite?.host ?? "");
    longest = Math.max(longest, bytes);
  }
  return longest;
}
