import { describe, expect, test } from "bun:test";
import { entityTag, readTags, requireMatch } from "../../../../../src/control/admin/changes/etag.ts";
import { ApiError } from "../../../../../src/control/admin/responses.ts";

const asked = (field: string | null) =>
  new Request("http://x/", { headers: field === null ? {} : { "if-match": field } });
const refusal = (work: () => void): ApiError => {
  try {
    work();
  } catch (error) {
    return error as ApiError;
  }
  throw new Error("it was not refused");
};

describe("a tag", () => {
  test("is of the values, whatever order they are in", () => {
    const tag = entityTag({ weight: 1, maintenance: { until: null, reason: "x" }, list: [1, 2] });
    expect(tag).toMatch(/^"[0-9a-f]{24}"$/);
    expect(entityTag({ list: [1, 2], maintenance: { reason: "x", until: null }, weight: 1 })).toBe(tag);
    expect(entityTag({ list: [2, 1], maintenance: { reason: "x", until: null }, weight: 1 })).not.toBe(tag);
    expect(entityTag({ list: [1, 2], maintenance: null, weight: 1 })).not.toBe(tag);
  });
});

describe("If-Match", () => {
  const state = { weight: 1 };
  const tag = entityTag(state);

  test("is met by its absence, by *, and by the tag alone, weak, or among others", () => {
    for (const field of [null, "*", " * ", tag, `W/${tag}`, `"old", ${tag}`, `"",W/"x" ,${tag} `]) {
      expect(() => requireMatch(asked(field), state)).not.toThrow();
    }
  });

  test("of another state is refused with the tag of this one", () => {
    const error = refusal(() => requireMatch(asked('"old", W/"older"'), state));
    expect(error).toBeInstanceOf(ApiError);
    expect([error.status, error.code, error.headers]).toEqual([412, "changed_meanwhile", { etag: tag }]);
  });

  test("that is none is refused as such", () => {
    for (const field of ["", "abc", '"a', '"a" "b"', '"a",', '*,"a"', 'w/"a"', '"a b"', ","]) {
      if (field === '"a",') continue; // the last comma of a list may stand for an empty element (RFC 9110 section 5.6.1)
      expect([field, refusal(() => readTags(field)).code]).toEqual([field, "invalid_if_match"]);
    }
    expect(readTags('"a",')).toEqual(["a"]);
    expect(refusal(() => readTags('"a",'.repeat(40))).code).toBe("invalid_if_match");
  });
});
