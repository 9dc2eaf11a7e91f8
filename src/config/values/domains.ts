/** Names that a public CA gives certificates for. */
import type { ValueType } from "../setting.ts";
import { valueType } from "./value-types.ts";

const MOST = 100;
/** A label of a host name (RFC 1123 section 2.1), also in its ASCII form. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** Comma-separated names, in lower case. */
export const domainList: ValueType<readonly string[]> = valueType(
  "host names, comma-separated",
  (text) => {
    const names = text.split(",").map((entry) => entry.trim().toLowerCase().replace(/\.$/, ""));
    for (const [index, name] of names.entries()) {
      const wrong = wrongWith(name);
      if (wrong !== null) throw new Error(`entry ${index + 1} ${wrong}`);
      if (names.indexOf(name) !== index) throw new Error(`${name} is there twice: remove one of them`);
    }
    if (names.length > MOST) throw new Error(`has ${names.length} names; at most ${MOST} can be had`);
    return names;
  },
  { kind: "list" },
);

function wrongWith(name: string): string | null {
  if (name === "") return "is empty: remove the extra comma";
  if (name.startsWith("*.")) {
    return "is a wildcard, which CAs give by DNS-01 only, which is not spoken here: name each host, or use a file (TLS_CERT_FILE)";
  }
  if (/^[\d.]+$|:/.test(name)) return "is an address: certificates are asked for by name";
  const labels = name.split(".");
  if (name.length > 253 || labels.length < 2 || !labels.every((label) => LABEL.test(label))) {
    return "must be a host name such as www.example.com (other alphabets in their ASCII form, xn--…)";
  }
  return null;
}
