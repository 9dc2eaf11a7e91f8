/** `Strict-Transport-Security` (RFC 6797): clients that were told so speak nothing but https for as long as it says. */
import { HeadEdits } from "./edits.ts";

const NAMES = [Buffer.from("strict-transport-security")];

/**
 * Of responses to who came by https: it replaces what the server says of it.
 * @returns null for 0 ms, which is off.
 */
export function hstsEdits(hstsMs: number): HeadEdits | null {
  if (hstsMs === 0) return null;
  return new HeadEdits(0, NAMES, Buffer.from(`Strict-Transport-Security: max-age=${Math.round(hstsMs / 1000)}\r\n`));
}
