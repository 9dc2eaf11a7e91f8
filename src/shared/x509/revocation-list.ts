/** Lists of revoked certificates (RFC 5280 section 5), as far as one can be told right from wrong before clients are refused by it. */
import { type DerValue, valuesIn } from "./der-reader.ts";

const LIST = /-----BEGIN X509 CRL-----([^-]*)-----END X509 CRL-----/g;
const SEQUENCE = 0x30;
const UTC_TIME = 0x17;
const TIME = 0x18;
/** 2.5.4.3 */
const COMMON_NAME = Buffer.from("0603550403", "hex");

/** One list. */
export interface RevocationList {
  /** It alone. */
  readonly pem: string;
  /** The name of the authority, in DER. */
  readonly issuer: Buffer;
  /** Milliseconds since the epoch. */
  readonly thisUpdateMs: number;
  /** When the next one is to be there: this one counts no longer. `null` = it does not say. */
  readonly nextUpdateMs: number | null;
}

/** Those in a text, in order. Throws an `Error` when one of them is damaged. */
export function revocationListsIn(pem: string): readonly RevocationList[] {
  return Array.from(pem.matchAll(LIST), ([text, base64]) => ({ pem: text, ...read(Buffer.from(base64, "base64")) }));
}

/** The name of the subject of a certificate, in DER: what its lists have as their issuer. @param certificate in DER, and intact. */
export function subjectIn(certificate: Buffer): Buffer {
  const fields = fieldsOf(certificate);
  // Version, which is left out where it is 1; serial number, algorithm, issuer, validity.
  const name = fields[fields[0]?.tag === 0xa0 ? 5 : 4];
  if (name?.tag !== SEQUENCE) throw new Error("it has no subject");
  return name.raw;
}

/** The common name in a name, for people; else its bytes. @param name in DER. */
export function commonNameIn(name: Buffer): string {
  const at = name.indexOf(COMMON_NAME);
  const text = at < 0 ? undefined : valuesIn(name.subarray(at + COMMON_NAME.length), 1)[0]?.content;
  return text?.toString("utf8") ?? name.toString("hex");
}

function read(der: Buffer): Omit<RevocationList, "pem"> {
  const fields = fieldsOf(der);
  // A version, where it is not 1, and the algorithm.
  const start = fields[0]?.tag === SEQUENCE ? 1 : 2;
  const [issuer, thisUpdate, nextUpdate] = fields.slice(start);
  const thisUpdateMs = timeOf(thisUpdate);
  if (issuer?.tag !== SEQUENCE || thisUpdateMs === null) throw new Error("it has no issuer, or no time");
  return { issuer: issuer.raw, thisUpdateMs, nextUpdateMs: timeOf(nextUpdate) };
}

/** Of what is signed, of a list or a certificate: the first fields alone, for there may be many revoked certificates behind them. */
function fieldsOf(der: Buffer): readonly DerValue[] {
  const [whole] = valuesIn(der, 1);
  const [signed] = valuesIn(whole?.content ?? Buffer.alloc(0), 1);
  return valuesIn(signed?.content ?? Buffer.alloc(0), 7);
}

/** `null` = it is no time (RFC 5280 section 5.1.2.4: in UTC, to the second; of two digits up to 49 it is this century). */
function timeOf(value: DerValue | undefined): number | null {
  if (value?.tag !== UTC_TIME && value?.tag !== TIME) return null;
  const text = value.content.toString("latin1");
  const full = value.tag === TIME ? text : `${Number(text.slice(0, 2)) < 50 ? "20" : "19"}${text}`;
  const ms = Date.parse(full.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  return Number.isNaN(ms) ? null : ms;
}
