/** Value types for what TLS is negotiated with: the names that the runtime knows, and no others. */
import { createSecureContext, getCiphers } from "node:tls";
import type { ValueType } from "../setting.ts";
import { Complaints, valueType } from "./value-types.ts";

/** Mozilla's "intermediate" of TLS 1.2, but for suites that the runtime does not have (with DHE). */
export const DEFAULT_CIPHERS = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
] as const;

/** Of TLS 1.3 all are offered; keys that both sides have before are nothing for clients of the web; 3DES is broken. */
const NOT_TO_CHOOSE = /^TLS_|PSK|DES-/;

/** Names separated by `:` or commas; the value has colons, as the runtime takes them. */
function names(what: string, complaint: (name: string) => string | null, hint: () => string): ValueType<string> {
  return valueType(
    what,
    (text) => {
      const entries = text.split(/[:,]/).map((entry) => entry.trim());
      const complaints = entries.flatMap((entry) => {
        const said = entry === "" ? "has an empty entry: remove the extra separator" : complaint(entry);
        return said === null ? [] : [said];
      });
      if (complaints.length > 0) throw new Complaints([...complaints.slice(0, -1), `${complaints.at(-1)} (${hint()})`]);
      return [...new Set(entries)].join(":");
    },
    { kind: "list" },
  );
}

/** Cipher suites of TLS 1.2, as OpenSSL names them. */
export const cipherList: ValueType<string> = names(
  "cipher suites, separated by colons or commas",
  (name) => {
    if (name.startsWith("TLS_")) return `${name} is of TLS 1.3, whose suites cannot be chosen: leave it out`;
    return knownCiphers().includes(name) ? null : `${name} is no cipher suite that the runtime has`;
  },
  () => `it has ${knownCiphers().join(", ")}`,
);

/** Groups for the key exchange. */
export const curveList: ValueType<string> = names(
  "groups, separated by colons or commas",
  (name) => (isCurve(name) ? null : `${name} is no group that the runtime has`),
  () => "it has X25519MLKEM768, X25519, P-256, P-384 and P-521",
);

let ciphers: readonly string[] | null = null;

function knownCiphers(): readonly string[] {
  ciphers ??= getCiphers()
    .map((name) => name.toUpperCase())
    .filter((name) => !NOT_TO_CHOOSE.test(name));
  return ciphers;
}

function isCurve(name: string): boolean {
  if (name === "auto") return false;
  try {
    createSecureContext({ ecdhCurve: name });
    return true;
  } catch {
    return false;
  }
}
