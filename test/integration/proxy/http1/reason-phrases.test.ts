import { expect, test } from "bun:test";
import { STATUS_CODES } from "node:http";
import { Failures } from "../../../../src/proxy/failure.ts";
import { ParseError, refusalOf } from "../../../../src/proxy/http1/parse-error.ts";
import { REASON_PHRASES } from "../../../../src/proxy/http1/reason-phrases.ts";

test("every status that we answer has its phrase, and it is the usual one", () => {
  const answered = [
    200,
    ...Object.values(Failures).map(({ status }) => status),
    ...Object.values(ParseError).map((code) => refusalOf(code).status),
  ].filter((status) => status > 0);
  expect(answered.filter((status) => !(status in REASON_PHRASES))).toEqual([]);
  for (const [status, phrase] of Object.entries(REASON_PHRASES)) expect(phrase).toBe(STATUS_CODES[status] as string);
});
