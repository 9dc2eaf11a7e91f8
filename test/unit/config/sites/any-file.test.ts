/* biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what users write */
/** Whatever a file says of pools, routes and listeners is read or refused, and every complaint has its place. */
import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { stringify } from "yaml";
import type { AnyShape, Field } from "../../../../src/config/shapes/shape.ts";
import { BLOCKS } from "../../../../src/config/sites/blocks.ts";
import { ConfigFile } from "./fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const word = fc.oneof(
  fc.constantFrom(
    "a",
    "b",
    "default",
    "GET",
    "get",
    "/",
    "/x",
    "/a/../b",
    "/x%2f",
    "*.x.example",
    "x.example:80",
    "5s",
    "10MB",
  ),
  fc.constantFrom(
    "on",
    "off",
    "client_ip",
    "header:x",
    "http",
    "301",
    "5xx",
    "500-599",
    "${NOPE}",
    "$${",
    "text/*",
    "br",
  ),
  fc.constantFrom(
    "content-length",
    "x-a",
    "http://a:1",
    "ftp://a",
    "",
    " ",
    "null",
    "a\nb",
    "é",
    "__proto__",
    "constructor",
  ),
  fc.string({ maxLength: 12 }),
);
const scalar = fc.oneof(word, fc.integer({ min: -1, max: 70_000 }), fc.boolean(), fc.constant(null), fc.double());
const anything: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.dictionary(word, scalar, { maxKeys: 3 }) },
);

/** Mostly of the right shape, so that what is behind the reading is reached. */
function anyOf(shape: AnyShape): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 8, arbitrary: wellFormed(shape) }, { weight: 1, arbitrary: anything });
}

function wellFormed(shape: AnyShape): fc.Arbitrary<unknown> {
  if (shape.kind === "value") return scalar;
  if (shape.kind === "list") return fc.array(anyOf(shape.of), { maxLength: 3 });
  if (shape.kind === "map") return fc.dictionary(word, anyOf(shape.of), { maxKeys: 3 });
  const fields = Object.entries<Field>(shape.fields).map(([name, field]) => [name, anyOf(field.shape)] as const);
  const sections =
    shape.sections === null ? [] : ["timeouts", "retry", "queue", "health", "servers", "upstream", "app"];
  const section = fc.dictionary(fc.constantFrom("connect", "response_head", "attempts", "path", "size"), scalar);
  const more = sections.map((name) => [name, fc.oneof(section, anything)] as const);
  return fc.record(Object.fromEntries([...fields, ...more]), { requiredKeys: [] });
}

const wholeFile = fc.record(
  {
    pools: fc.oneof(anyOf(BLOCKS.pools.shape), fc.constant({ a: { servers: ["http://a:1"] } })),
    routes: anyOf(BLOCKS.routes.shape),
    route_defaults: anyOf(BLOCKS.route_defaults.shape),
    listeners: anyOf(BLOCKS.listeners.shape),
    servers: fc.oneof(fc.constant(["http://s:1"]), anything),
  },
  { requiredKeys: ["routes"] },
);

/** At the beginning, or after the name of what it is about; what is missing is nowhere. */
const PLACED =
  /n\.yaml:\d+:\d+|^n\.yaml: has \d+ more problems|^SERVERS: is required|^TLS_(CERT|KEY)_FILE: is required by a listener|^(TLS_CLIENT_CA_FILE|PROXY_PROTOCOL_FROM): is required by/;

test("random files", () => {
  fc.assert(
    fc.property(wholeFile, (content) => {
      for (const problem of file.problems(stringify(content))) expect(problem).toMatch(PLACED);
    }),
    { numRuns: 100 },
  );
});

test("random text in the place of one value of a file that is right", () => {
  const right = stringify({
    pools: { a: { servers: ["http://a:1"], timeouts: { connect: "5s" } }, b: { servers: ["http://b:1"] } },
    routes: [
      { host: "x.example", path: "/x", pool: "a", request_headers: { set: { "x-a": "1" } } },
      { split: [{ pool: "a", weight: 2 }, { pool: "b" }], error_pages: [{ statuses: ["5xx"], file: "e.html" }] },
    ],
    listeners: [{ port: 80 }],
  });
  expect(file.problems(right)).toEqual([]);
  fc.assert(
    fc.property(fc.nat(right.length), fc.nat(4), fc.string({ maxLength: 6 }), (at, length, text) => {
      const changed = right.slice(0, at) + text + right.slice(at + length);
      for (const problem of file.problems(changed)) expect(problem).toMatch(PLACED);
    }),
    { numRuns: 100 },
  );
});
