import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  CONTENT_TYPES,
  FORMAT_NAMES,
  preferredFormat,
  prefersGzip,
} from "../../../../../src/telemetry/metrics/formats/negotiation.ts";

const PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";

describe("the format", () => {
  test.each([
    [null, "text"],
    ["", "text"],
    ["*/*", "text"],
    ["text/*", "text"],
    ["image/png", "text"],
    // a browser
    ["text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8", "text"],
    // Prometheus before 2.5
    ["text/plain;version=0.0.4;q=1,*/*;q=0.1", "text"],
    // Prometheus 2.5 to 2.30
    ["application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "text"],
    // Prometheus 2.42
    [
      "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
      "openmetrics",
    ],
    // and with native histograms
    [
      `${PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
      "protobuf",
    ],
    // Prometheus 3
    [
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
      "openmetrics",
    ],
    [`${PROTOBUF};escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1`, "protobuf"],
    // Prometheus 3 that is told to scrape text
    ["text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2", "text"],
    ["application/openmetrics-text", "openmetrics"],
    ['Application/OpenMetrics-Text; Version="1.0.0"', "openmetrics"],
    ["application/*", "openmetrics"],
    ["application/*;q=0.5, text/plain;q=0.4", "openmetrics"],
    // what is said most precisely counts
    ["application/openmetrics-text;q=0, */*", "text"],
    ["text/plain;q=0, */*;q=0.1", "openmetrics"],
    ["text/plain;q=0.2, application/openmetrics-text;q=0.2;version=1.0.0", "openmetrics"],
    ["text/plain, application/openmetrics-text", "text"],
    ["application/openmetrics-text, text/plain", "openmetrics"],
    // nothing that we have
    ["application/openmetrics-text;version=2.0.0", "text"],
    ["application/vnd.google.protobuf", "text"],
    ["application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", "text"],
    // a weight that is none
    ["application/openmetrics-text;q=2, text/plain;q=0.1", "text"],
    ["application/openmetrics-text;q=, text/plain;q=0.1", "text"],
    ["application/openmetrics-text;q=-1", "text"],
    [",;,;;=,q=1", "text"],
  ] as const)("for %j is %s", (accept, format) => {
    expect(preferredFormat(accept)).toBe(format);
  });

  test("is the one whose label is asked for", () => {
    for (const name of FORMAT_NAMES) expect(preferredFormat(CONTENT_TYPES[name])).toBe(name);
  });

  test("is one of them, whatever is sent", () => {
    const piece = fc.constantFrom(
      "*/*",
      "text/plain",
      "application/*",
      PROTOBUF,
      ";q=",
      ";",
      ",",
      "=",
      "0.5",
      '"',
      " ",
      "q",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map((pieces) => pieces.join("")),
        ),
        (accept) => {
          expect(FORMAT_NAMES).toContain(preferredFormat(accept));
        },
      ),
    );
    expect(preferredFormat(`${"x/y,".repeat(100_000)}application/openmetrics-text`)).toBe("text"); // a bound for the work
  });
});

test.each([
  [null, false],
  ["", false],
  ["gzip", true],
  ["GZIP, deflate", true],
  ["x-gzip", true],
  ["br;q=1, gzip;q=0.001", true],
  ["gzip;q=0", false],
  ["gzip;q=0, *", false],
  ["*", true],
  ["*;q=0", false],
  ["identity", false],
  ["gzip;q=0.4, identity;q=0.5", false],
  ["gzip;q=0.5, identity;q=0.5", true],
  ["deflate, br", false],
  ["gzip;q=x", false],
] as const)("Accept-Encoding %j: gzip is wanted: %p", (value, wanted) => {
  expect(prefersGzip(value)).toBe(wanted);
});
