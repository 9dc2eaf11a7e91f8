import { describe, expect, test } from "bun:test";
import { Failures } from "../../../../src/proxy/failure.ts";
import { CHAR_CLASS, HEX_VALUE, TARGET, TOKEN, VALUE } from "../../../../src/proxy/http1/char-class.ts";
import {
  FIELD_NAMES,
  FieldId,
  FORWARDING_MASK,
  fieldIdOf,
  HOP_BY_HOP_MASK,
  SEEN_IDS,
} from "../../../../src/proxy/http1/field-names.ts";
import { ParseError, refusalOf } from "../../../../src/proxy/http1/parse-error.ts";
import { bytesOf } from "./support.ts";

describe("byte classes are the grammar's", () => {
  const bytesIn = (bit: number) =>
    String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => CHAR_CLASS[byte] & bit));

  test("token (RFC 9110 section 5.6.2)", () => {
    expect(bytesIn(TOKEN)).toBe("!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  });
  test("field content (RFC 9110 section 5.5)", () => {
    for (let byte = 0; byte < 256; byte++) {
      expect((CHAR_CLASS[byte] & VALUE) !== 0).toBe(byte === 9 || (byte >= 32 && byte !== 127));
    }
  });
  test("request target", () => {
    for (let byte = 0; byte < 256; byte++) {
      expect((CHAR_CLASS[byte] & TARGET) !== 0).toBe(byte > 32 && byte < 127 && byte !== 35);
    }
  });
  test("hexadecimal digits", () => {
    for (let byte = 0; byte < 256; byte++) {
      const text = String.fromCharCode(byte);
      expect(HEX_VALUE[byte]).toBe(/^[0-9a-fA-F]$/.test(text) ? Number.parseInt(text, 16) : 255);
    }
  });
});

describe("field names", () => {
  const idOf = (name: string) => fieldIdOf(bytesOf(`??${name}:`), 2, 2 + name.length);

  test("identities are dense and each name finds its own, in any case", () => {
    expect(Object.values(FieldId)).toEqual(FIELD_NAMES.map((_, id) => id) as never);
    for (let id = 1; id < FIELD_NAMES.length; id++) {
      expect(idOf(FIELD_NAMES[id])).toBe(id);
      expect(idOf(FIELD_NAMES[id].toUpperCase())).toBe(id);
    }
  });

  test("a name with one byte changed, added or removed is another", () => {
    /** What a name is that has no identity of its own. */
    const otherwise = (name: string) =>
      /^x-(forwarded|original|real)-./.test(name) ? FieldId.X_FORWARDED_OTHER : FieldId.OTHER;
    for (const name of FIELD_NAMES.slice(1)) {
      for (let i = 0; i < name.length; i++) {
        const changed = `${name.slice(0, i)}~${name.slice(i + 1)}`;
        expect(idOf(changed)).toBe(otherwise(changed));
        const shorter = name.slice(0, i) + name.slice(i + 1);
        const known = FIELD_NAMES.indexOf(shorter);
        if (shorter !== "") expect(idOf(shorter)).toBe(known > 0 ? known : otherwise(shorter));
      }
      expect(idOf(`${name}s`)).toBe(otherwise(`${name}s`));
      // Forwarding fields are known by both spellings: see forwarding-aliases.test.ts.
      const alias = idOf(name) < SEEN_IDS && (FORWARDING_MASK & (1 << idOf(name))) !== 0;
      expect(idOf(name.replaceAll("-", "_"))).toBe(name.includes("-") && !alias ? FieldId.OTHER : idOf(name));
    }
  });

  test("no token byte passes for another by folding case", () => {
    for (let byte = 0; byte < 256; byte++) {
      if ((CHAR_CLASS[byte] & TOKEN) === 0) continue;
      const text = String.fromCharCode(byte);
      expect(idOf(`T${text}`)).toBe(text.toLowerCase() === "e" ? FieldId.TE : FieldId.OTHER);
    }
  });

  test("hop-by-hop fields all have a bit in seen", () => {
    for (const id of [FieldId.CONNECTION, FieldId.HTTP2_SETTINGS, FieldId.UPGRADE]) {
      expect(id).toBeLessThan(SEEN_IDS);
      expect(HOP_BY_HOP_MASK & (1 << id)).not.toBe(0);
    }
    expect(HOP_BY_HOP_MASK & (1 << FieldId.TRANSFER_ENCODING)).toBe(0);
  });
});

describe("refusals", () => {
  test("every code is negative, unique, and has a status, a slug and a sentence", () => {
    const codes = Object.entries(ParseError);
    expect(new Set(codes.map(([, code]) => code)).size).toBe(codes.length);
    for (const [name, code] of codes) {
      expect(code).toBeLessThan(0);
      const { status, reason, message } = refusalOf(code);
      expect([400, 414, 417, 431, 501, 502, 505]).toContain(status);
      expect(reason).toBe(name.toLowerCase());
      expect(message).toEndWith(".");
    }
  });
});

test("no refusal has the code of a failure: one word in the log means one thing", () => {
  const failures = new Set(Object.values(Failures).map(({ code }) => code));
  expect(failures.size).toBe(Object.keys(Failures).length);
  const reasons = Object.values(ParseError).map((code) => refusalOf(code).reason);
  expect(reasons.filter((reason) => failures.has(reason))).toEqual([]);
});
