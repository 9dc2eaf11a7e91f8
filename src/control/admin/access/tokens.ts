/** The tokens of the admin API, compared in constant time. */
import { timingSafeEqual } from "node:crypto";
import type { AdminSettings } from "../../../config/sections/admin.ts";
import { ADMIN_TOKEN_NAME, type TokenScope } from "../../../config/values/admin-tokens.ts";

/** A token as it is remembered. */
export interface KnownToken {
  readonly name: string;
  readonly scope: TokenScope;
  /** Of SHA-256: hashes have one length, which timingSafeEqual wants, and tokens have lengths that are nobody's business. */
  readonly hash: Uint8Array;
}

/** The tokens of a configuration; none = nobody is asked for one. */
export function tokensOf({ token, tokens }: Pick<AdminSettings, "token" | "tokens">): readonly KnownToken[] {
  const hashed = (tokens ?? []).map(({ name, scope, sha256 }) => ({ name, scope, hash: Buffer.from(sha256, "hex") }));
  return token === null ? hashed : [{ name: ADMIN_TOKEN_NAME, scope: "admin", hash: hashOf(token) }, ...hashed];
}

/** The one that was given. It is compared with all, whichever it is: how long that takes says nothing. */
export function findToken(tokens: readonly KnownToken[], given: string): KnownToken | undefined {
  const hash = hashOf(given);
  let found: KnownToken | undefined;
  for (const token of tokens) if (timingSafeEqual(token.hash, hash)) found ??= token;
  return found;
}

function hashOf(text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256").update(text).digest();
}
