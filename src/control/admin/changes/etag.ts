/**
 * Which state of a resource a change was meant for (RFC 9110 section 13.1.1). A tag is of what may be changed of the resource,
 * never of live numbers: it stays the same while traffic flows, and two changes made of the same view cannot both win.
 */
import { ApiError } from "../responses.ts";

/** More of them than anybody means. */
const MAX_TAGS = 32;
/** An entity tag, strong or weak, and what separates it from the next. */
const ENTITY_TAG = /\s*(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(,|$)/y;

/** The tag of what may be changed, as the `ETag` field has it. @param changeable JSON; the order of its members does not count. */
export function entityTag(changeable: unknown): string {
  const text = JSON.stringify(sorted(changeable)) ?? "null";
  return `"${new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 24)}"`;
}

/**
 * Throws 412 with the present tag when `If-Match` names other states alone; without the field every state is right. The weak
 * form of a tag counts as the strong one: whoever compressed the response on its way has weakened it, and what the tag is
 * of is the same.
 */
export function requireMatch(request: Request, changeable: unknown): void {
  const field = request.headers.get("if-match");
  if (field === null) return;
  const wanted = readTags(field);
  if (wanted === "*") return;
  const present = entityTag(changeable);
  if (wanted.includes(present.slice(1, -1))) return;
  throw new ApiError(
    412,
    "changed_meanwhile",
    `it is not as it was when you looked: its ETag is ${present} now. Look again, and send that one if the change is still right`,
    { etag: present },
  );
}

/** What stands between the quotes of each tag; `*` = any state. Throws 400. */
export function readTags(field: string): readonly string[] | "*" {
  if (field.trim() === "*") return "*";
  const tags: string[] = [];
  ENTITY_TAG.lastIndex = 0;
  while (ENTITY_TAG.lastIndex < field.length && tags.length < MAX_TAGS) {
    const match = ENTITY_TAG.exec(field);
    if (match === null) break;
    tags.push(match[1]);
    if (match[2] === "" || ENTITY_TAG.lastIndex >= field.length) return tags;
  }
  throw new ApiError(
    400,
    "invalid_if_match",
    'If-Match must be *, or tags as ETag has them, separated by commas: "0123abcd"',
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
