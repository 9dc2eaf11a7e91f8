import { expect, test } from "bun:test";
import { findsLine, findsSpan } from "../../../support/grafana/matching.ts";

test("a line is found when all conditions hold; durations have units", () => {
  const slow = '{service="a"} | json | duration > 1s | status >= 500';
  expect(findsLine(slow, { duration: "1.200000s", status: 502 })).toBe(true);
  expect(findsLine(slow, { duration: "0.900000s", status: 502 })).toBe(false);
  expect(findsLine(slow, { duration: "1.200000s", status: 200 })).toBe(false);
  expect(findsLine(slow, { status: 502 })).toBe(false);
  expect(findsLine('{service="a"} | json', {})).toBe(true);
});

test("a span is found by attributes and intrinsics", () => {
  const span: Record<string, unknown> = {
    kind: "client",
    "span.http.request.resend_count": 1,
    "resource.service.name": "a",
  };
  const query = '{ resource.service.name = "a" && kind = client && span.http.request.resend_count > 0 }';
  expect(findsSpan(query, (name) => span[name])).toBe(true);
  expect(findsSpan(query, (name) => ({ ...span, kind: "server" })[name])).toBe(false);
});

test("what is not understood is no answer", () => {
  expect(() => findsLine('{service="a"} |= "x"', {})).toThrow("no such query");
  expect(() => findsSpan("{ a =~ b }", () => "b")).toThrow("no such query");
});
