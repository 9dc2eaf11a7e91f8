/** `HEALTH_CHECK_HOST` and `HEALTH_CHECK_HEADERS`: what may go into a request that we send in the operator's name. */
import { describe, expect, test } from "bun:test";
import { configOf, load, problemsOf } from "../../../support/configuration.ts";

const headersOf = (text: string) => configOf({ HEALTH_CHECK_HEADERS: text }).health.headers;

describe("fields of health checks", () => {
  test("pairs, separated by semicolons; blanks around them do not count", () => {
    expect(headersOf(" X-Probe: 1;Authorization:Bearer a.b=c ; X-Empty:")).toEqual([
      { name: "X-Probe", value: "1" },
      { name: "Authorization", value: "Bearer a.b=c" },
      { name: "X-Empty", value: "" },
    ]);
  });

  test("a semicolon and a backslash in a value are escaped, other backslashes mean themselves", () => {
    expect(headersOf(String.raw`Accept: text/html\;q=0.5; X-Path: C:\temp\\;X-Time: 12:30`)).toEqual([
      { name: "Accept", value: "text/html;q=0.5" },
      { name: "X-Path", value: "C:\\temp\\" },
      { name: "X-Time", value: "12:30" },
    ]);
  });

  test.each([
    ["X-Probe", 'entry 1 has no ":"'],
    ["X-A: 1;;X-B: 2", "entry 2 is empty"],
    ["X-A: 1;", "entry 2 is empty"],
    ["X A: 1", "entry 1 has no field name"],
    ["X-A : 1", "entry 1 has no field name"],
    [": 1", "entry 1 has no field name"],
    ["X-A: a\r\nX-B: b", "control characters"],
    ["X-A: a\nX-B: b", "control characters"],
    ["X-A: \x00", "control characters"],
    ["X-A: ü", "beyond ASCII"],
    ["X-A: 1; x-a: 2", "entry 2 names x-a a second time"],
    ["Host: a", "HEALTH_CHECK_HOST"],
    ["Content-Length: 5", "names Content-Length"],
    ["transfer-encoding: chunked", "names transfer-encoding"],
    ["Connection: keep-alive", "names Connection"],
    ["Upgrade: h2c", "names Upgrade"],
    ["Expect: 100-continue", "names Expect"],
    ["TE: trailers", "names TE"],
    [`X-A: ${"x".repeat(8200)}`, "at most 8192"],
    [Array.from({ length: 33 }, (_, i) => `X-${i}: 1`).join(";"), "has 33 fields"],
  ])("%j is refused", (text, problem) => {
    const [found] = problemsOf({ HEALTH_CHECK_HEADERS: text });
    expect(found).toContain("HEALTH_CHECK_HEADERS=****");
    expect(found).toContain(problem);
  });

  test("they are secrets: neither shown nor repeated in errors", () => {
    const loaded = load({ HEALTH_CHECK_HEADERS: "Authorization: Bearer hunter2" });
    expect(JSON.stringify(loaded.ok && loaded.effective)).not.toContain("hunter2");
    expect(problemsOf({ HEALTH_CHECK_HEADERS: "Bearer hunter2" }).join()).not.toContain("hunter2");
  });
});

describe("the Host field of health checks", () => {
  test.each(["app.example", "app.example:8080", "10.0.0.1", "[::1]:80", "my_app", "App.Example."])("%s", (host) => {
    expect(configOf({ HEALTH_CHECK_HOST: host }).health.host).toBe(host);
  });

  test.each(["http://a", "a/b", "a b", "a:0", "a:65536", "a:b", "[::1", "::1", "a\r\nX: 1", "a,b", "@", "a@b"])(
    "%j is refused",
    (host) => {
      expect(problemsOf({ HEALTH_CHECK_HOST: host })[0]).toContain("must be a host as in a Host field");
    },
  );
});
