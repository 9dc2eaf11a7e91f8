/** The tokens of the admin API as the configuration has them: names, what they may do, and hashes in place of the tokens. */
import { LOCAL_ACTOR, OWN_ACTOR } from "../../shared/operations/audit.ts";
import { Complaints, valueType } from "./value-types.ts";

/** What a token may be given, from least to most: each includes those before it. */
export const TOKEN_SCOPES = ["metrics", "read", "admin"] as const;
/** One of them. */
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** A token that is only known by its hash. */
export interface HashedToken {
  /** As audit and log call it. */
  readonly name: string;
  readonly scope: TokenScope;
  /** SHA-256 of its bytes, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** More than anybody gives out by hand: each request is compared with all of them. */
const MOST = 100;
/** The name that `ADMIN_TOKEN` has in audit and log. */
export const ADMIN_TOKEN_NAME = "ADMIN_TOKEN";
/** Names that audit and log have for others. */
const TAKEN_NAMES: readonly string[] = [ADMIN_TOKEN_NAME, LOCAL_ACTOR, OWN_ACTOR];
const NAME = /^[A-Za-z0-9][\w.@-]{0,63}$/;

/** Is it a name that a token may have? */
export function isTokenName(name: string): boolean {
  return NAME.test(name) && !TAKEN_NAMES.includes(name);
}

/** As the configuration writes it. */
export function formatToken({ name, scope, sha256 }: HashedToken): string {
  return `${name}:${scope}:sha256:${sha256}`;
}

/** Comma-separated `name:scope:sha256:<64 hex>`. Complaints repeat nothing that could be the token itself. */
export const adminTokens = valueType(
  "name:scope:sha256:<64 hex digits>, comma-separated",
  (text): readonly HashedToken[] => {
    const complaints: string[] = [];
    const tokens: HashedToken[] = [];
    const entries = text.split(",").map((entry) => entry.trim());
    if (entries.length > MOST) throw new Error(`has ${entries.length} tokens: at most ${MOST}`);
    for (const [index, entry] of entries.entries()) {
      const complain = (what: string) => complaints.push(`entry ${index + 1} ${what}`);
      const [name, scope, algorithm, hash, ...rest] = entry.split(":");
      const known = TOKEN_SCOPES.find((one) => one === scope);
      if (hash === undefined || rest.length > 0 || algorithm !== "sha256" || !/^[0-9a-f]{64}$/i.test(hash)) {
        complain(
          "must be name:scope:sha256:<64 hex digits>: the hash, not the token (neurabalancer token new --name ci --scope read makes one)",
        );
      } else if (!isTokenName(name)) {
        complain(`must begin with a name of up to 64 letters, digits and _ . @ -, none of ${TAKEN_NAMES.join(", ")}`);
      } else if (known === undefined) complain(`must have one of the scopes ${TOKEN_SCOPES.join(", ")}`);
      else {
        const sha256 = hash.toLowerCase();
        if (tokens.some((other) => other.name === name)) complain(`has a name that another has: ${name}`);
        else if (tokens.some((other) => other.sha256 === sha256)) complain("is the same token as another");
        else tokens.push({ name, scope: known, sha256 });
      }
    }
    if (complaints.length > 0) throw new Complaints(complaints);
    return tokens;
  },
  { kind: "list" },
);
