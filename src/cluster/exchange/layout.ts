/**
 * Which servers the numbers in a share are of, and in which order: those of an instance, by hashes of what they are called, sorted.
 * Instances with the same servers have the same layout, whatever the order in which these are configured; it is kept in Redis once,
 * under its own hash, and who meets an unknown one asks for it.
 */
import { createHash } from "node:crypto";
import { notOurs } from "./replies.ts";

/** The most servers of a layout: those of one instance, or of all that differ in a large cluster. */
export const MOST_SERVERS = 16_384;
/** Digits of a hash. */
const DIGITS = 16;

/** Hashes in order, and what they are called together: all 16 hexadecimal digits. */
export interface Layout {
  readonly id: string;
  readonly hashes: readonly string[];
}

/** What a server is called by all instances. @param url the canonical one. */
export function serverHash(pool: string, url: string, address: string): string {
  return createHash("sha256").update(`${pool}|${url}|${address}`).digest("hex").slice(0, DIGITS);
}

/** Of these servers; those beyond `MOST_SERVERS` are left out. */
export function layoutOf(hashes: Iterable<string>): Layout {
  const sorted = [...new Set(hashes)].sort().slice(0, MOST_SERVERS);
  return { id: idOf(writeLayout(sorted)), hashes: sorted };
}

/** As it is kept. */
export function writeLayout(hashes: readonly string[]): string {
  return hashes.join("");
}

/** Reads what is kept. Throws an `Error` when it is not the one that it is said to be. */
export function readLayout(id: string, text: string): Layout {
  if (text.length % DIGITS !== 0 || text.length > MOST_SERVERS * DIGITS || idOf(text) !== id) throw notOurs();
  const hashes = Array.from({ length: text.length / DIGITS }, (_, i) => text.slice(i * DIGITS, (i + 1) * DIGITS));
  for (let i = 1; i < hashes.length; i++) if (hashes[i - 1] >= hashes[i]) throw notOurs();
  return { id, hashes };
}

function idOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, DIGITS);
}
