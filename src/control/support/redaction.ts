/**
 * Takes out of what is told what is nobody's business: secrets of the configuration wherever they stand, whatever looks like one,
 * query strings, values of header fields; and makes names of the addresses of clients. What the API answers has no secrets in the
 * first place: this is the second lock, for what people send to strangers. Pure.
 */

/** What stands in place of a secret. */
const HIDDEN = "****";
/** Shorter ones are words that stand anywhere. */
const LEAST_SECRET = 4;

/** By these names people are told what they must not see. */
const SECRET_NAME =
  /(^|[_\-.[\]])(password|passwd|secrets?|credentials?|authorization|cookies?|private_?key|api_?key|access_?key|signing_?keys?|tokens?)($|[_\-.[\]])/i;
/** Values of fields that routes and checks set. */
const HEADER_NAME = /header/i;
/** Who asked. */
const CLIENT_NAMES: ReadonlySet<string> = new Set(["client", "client_ip", "client_address", "peer", "remote_address"]);
/** Whose text holds the address of whoever asked: `admin API (deploy, 10.0.0.7)`. */
const ACTOR_NAMES: ReadonlySet<string> = new Set(["actor", "by"]);

const ADDRESS = /(?<![\w.])(?:\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4})(?![\w.])/gi;

/** What looks like a secret, whoever has written it. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, HIDDEN],
  [/\b(bearer|basic|digest)(\s+|%20)[A-Za-z0-9._~+/=-]{4,}/gi, `$1 ${HIDDEN}`],
  [/\bnbt_[A-Za-z0-9_-]+/g, HIDDEN],
  [/\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*/g, HIDDEN],
  [/\bsha256:[0-9a-f]{64}\b/gi, `sha256:${HIDDEN}`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${HIDDEN}@`],
  // A query: of a path or of a URL.
  [/((?:^|[\s"'(])(?:[a-z][a-z0-9+.-]*:\/\/[^\s"'?]*|\/[^\s"'?]*))\?[^\s"')]+/gi, `$1?${HIDDEN}`],
];

/** What it goes by. */
export interface RedactionOptions {
  /** Secrets as they are. */
  readonly secrets: readonly string[];
  /** What is told instead of a client's address; the same for the same one. */
  readonly nameOf: (address: string) => string;
}

/** For one bundle. */
export class Redaction {
  readonly #secrets: readonly string[];
  readonly #nameOf: (address: string) => string;

  constructor({ secrets, nameOf }: RedactionOptions) {
    const forms = secrets.filter(({ length }) => length >= LEAST_SECRET).flatMap(formsOf);
    this.#secrets = [...new Set(forms)].sort((a, b) => b.length - a.length);
    this.#nameOf = nameOf;
  }

  /** Any text. */
  text(text: string): string {
    let shown = text;
    for (const secret of this.#secrets) shown = shown.replaceAll(secret, HIDDEN);
    for (const [pattern, instead] of PATTERNS) shown = shown.replace(pattern, instead);
    return shown;
  }

  /** Whatever JSON can say. @param name by which it is known. */
  json(value: unknown, name = ""): unknown {
    if (typeof value === "string") return this.#string(value, name);
    if (Array.isArray(value)) return value.map((one) => this.json(one, name));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [this.text(key), this.#member(key, inner, name)]),
    );
  }

  #member(key: string, value: unknown, name: string): unknown {
    // `{"…request_headers.set.x": {"value": …, "origin": …}}`: what is told of a setting stands in its value.
    const own = key === "value" || key === "written" ? name : key;
    return this.json(value, own);
  }

  #string(value: string, name: string): string {
    if (value === "") return value;
    if (SECRET_NAME.test(name) || HEADER_NAME.test(name)) return HIDDEN;
    if (CLIENT_NAMES.has(name)) return this.#nameOf(value);
    if (ACTOR_NAMES.has(name)) return this.text(value).replace(ADDRESS, (address) => this.#nameOf(address));
    return this.text(value);
  }
}

/** As JSON, a URL and a header of HTTP have it. */
function formsOf(secret: string): string[] {
  const json = JSON.stringify(secret).slice(1, -1);
  return [secret, json, encodeURIComponent(secret), Buffer.from(secret).toString("base64")];
}
