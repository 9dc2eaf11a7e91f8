/** What a collector says, as a log may have it: visible, short, and without the secrets that it was sent. */
/** The most of a text that is kept. */
const MAX_TEXT = 200;
/** Shorter values are words such as a tenant's number; to hide them would hide parts of other words. */
const SHORTEST_SECRET = 6;
const HIDDEN = "****";

/** Texts of one collector, or of whoever answers in its place: some repeat what they were asked, fields and all. */
export class CollectorWords {
  /** The longest first: one may be a part of another. */
  readonly #secrets: readonly string[];

  /** @param headers fields that it is sent. */
  constructor(headers: Readonly<Record<string, string>>) {
    // Of `Bearer token`, the token alone is one as well.
    const secrets = Object.values(headers).flatMap((value) => [value, ...value.split(" ")]);
    this.#secrets = [...new Set(secrets)]
      .filter(({ length }) => length >= SHORTEST_SECRET)
      .sort((a, b) => b.length - a.length);
  }

  /** @param text what is no UTF-8 is replaced. */
  readonly of = (text: Uint8Array | string): string => {
    let said = typeof text === "string" ? text : Buffer.from(text).toString("utf8");
    // Before it is cut: half a secret is one.
    for (const secret of this.#secrets) said = said.replaceAll(secret, HIDDEN);
    return said
      .replaceAll(/[\s\p{Cc}\p{Cf}]+/gu, " ")
      .trim()
      .slice(0, MAX_TEXT);
  };
}
