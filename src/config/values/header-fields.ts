/** Value types for what health checks say of themselves: a `Host` field, and fields of the operator's own. */

import type { ValueType } from "../setting.ts";
import { isHostName, isIpv4, isIpv6 } from "./addresses.ts";
import { Complaints, TOKEN, valueType } from "./value-types.ts";

/** One field line of a request. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** Visible ASCII, blanks between (RFC 9110 section 5.5, without what is obsolete there). */
const VALUE = /^[\x20-\x7e\t]*$/;
/** What says where the request ends, what becomes of its connection, or whom it is for. */
const OURS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);
const MAX_FIELDS = 32;
const MAX_BYTES = 8192;

/** `Name: value` pairs separated by semicolons; `\;` is a semicolon in a value and `\\` a backslash. */
export const headerFields: ValueType<readonly HeaderField[]> = valueType(
  "Name: value; Name: value",
  (text) => {
    if (text.length > MAX_BYTES) throw new Error(`must have at most ${MAX_BYTES} characters`);
    const complaints: string[] = [];
    const fields: HeaderField[] = [];
    const names = new Set<string>();
    for (const [index, entry] of split(text).entries()) {
      try {
        const field = parseField(entry);
        if (names.has(field.name.toLowerCase())) throw new Error(`names ${field.name} a second time`);
        names.add(field.name.toLowerCase());
        fields.push(field);
      } catch (error) {
        complaints.push(`entry ${index + 1} ${(error as Error).message}`);
      }
    }
    if (fields.length > MAX_FIELDS) complaints.push(`has ${fields.length} fields; the most is ${MAX_FIELDS}`);
    if (complaints.length > 0) throw new Complaints(complaints);
    return fields;
  },
  { kind: "fields" },
);

/** Cuts at semicolons and undoes escapes. */
function split(text: string): string[] {
  const entries = [""];
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (char === ";") entries.push("");
    else if (char === "\\" && (text[i + 1] === ";" || text[i + 1] === "\\")) entries[entries.length - 1] += text[++i];
    else entries[entries.length - 1] += char;
  }
  return entries;
}

/** Nothing of a value is repeated in a complaint: it may be a password. */
function parseField(entry: string): HeaderField {
  if (entry.trim() === "") throw new Error("is empty: remove the extra semicolon");
  const colon = entry.indexOf(":");
  if (colon < 0) throw new Error('has no ":": write Name: value, and a semicolon in a value as "\\;"');
  const name = entry.slice(0, colon).trimStart();
  if (!TOKEN.test(name)) throw new Error('has no field name before its ":": letters, digits and - make one');
  if (name.toLowerCase() === "host") throw new Error("names Host: HEALTH_CHECK_HOST says that");
  if (OURS.has(name.toLowerCase())) throw new Error(`names ${name}, which the check needs for itself`);
  const value = entry.slice(colon + 1);
  if (!VALUE.test(value)) throw new Error(`has a value of ${name} with control characters or characters beyond ASCII`);
  return { name, value: value.trim() };
}

/** A host with or without a port, as a `Host` field has it (RFC 9110 section 7.2). */
export const hostField: ValueType<string> = valueType("host or host:port", (text) => {
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::(\d{1,5}))?$/.exec(text);
  const host = parts?.[1] ?? "";
  const isHost = host.startsWith("[") ? isIpv6(host.slice(1, -1)) : isIpv4(host) || isHostName(host);
  const port = parts?.[2] === undefined ? 1 : Number(parts[2]);
  if (!isHost || port < 1 || port > 65_535) {
    throw new Error('must be a host as in a Host field, such as app.example or app.example:8080 (no "http://")');
  }
  return text;
});
