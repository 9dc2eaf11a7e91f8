/** Every setting has a place in the configuration file; what is generated of it is what the product reads. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parse } from "yaml";
import { z } from "zod";
import { FILE_SECTIONS, filePath } from "../../../src/config/file-keys.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { ROUTE } from "../../../src/config/routes/shape.ts";
import { ALL_SETTINGS } from "../../../src/config/schema.ts";
import { yamlFileSource } from "../../../src/config/sources/yaml/source.ts";
import { configOf } from "../../support/configuration.ts";
import { yamlOf } from "../../support/settings-file.ts";

const ROOT = join(import.meta.dir, "../../..");
const directory = mkdtempSync(join(tmpdir(), "neurabalancer-keys-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function fromFile(text: string) {
  const path = join(directory, "neurabalancer.yaml");
  writeFileSync(path, text);
  const loaded = loadConfig([yamlFileSource(path, () => undefined)]);
  if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
  return loaded.config;
}

describe("keys", () => {
  test("each setting has one of its own, in snake_case and without a unit that stands with the value", () => {
    const paths = FILE_SECTIONS.flatMap(({ settings }) => settings.map(({ path }) => path));
    expect(new Set(paths).size).toBe(paths.length);
    for (const path of paths) {
      expect(path).toMatch(/^[a-z]+2?(_[a-z]+)*(\.[a-z]+2?(_[a-z]+)*)?$/);
      expect(path).not.toMatch(/_(ms|seconds|minutes|hours|days|bytes|megabytes)$/);
    }
    for (const { setting } of ALL_SETTINGS) expect(filePath(setting.env)).not.toBeNull();
    expect(filePath("SERVERS")).toBe("servers");
    expect(filePath("CONNECT_TIMEOUT_MS")).toBe("timeouts.connect");
    expect(filePath("DNS_MIN_TTL_SECONDS")).toBe("dns.min_ttl");
    expect(filePath("CONFIG_FILE")).toBeNull();
  });

  test("a number in the environment and in the file means the same, with or without a unit", () => {
    const numeric = ALL_SETTINGS.flatMap(({ setting }) => {
      const { form } = setting.type;
      if (form.kind === "duration" || form.kind === "size") {
        return [{ setting, min: Math.ceil(form.min / form.bareUnit), max: Math.floor(form.max / form.bareUnit) }];
      }
      return form.kind === "integer" || form.kind === "number"
        ? [{ setting, min: Math.ceil(form.min), max: Math.floor(form.max) }]
        : [];
    });
    expect(numeric.length).toBeGreaterThan(40);
    for (const { setting, min, max } of numeric) {
      const placed = ALL_SETTINGS.find((one) => one.setting === setting)!;
      const read = (config: object) => (config as Record<string, Record<string, unknown>>)[placed.section][placed.key];
      fc.assert(
        fc.property(fc.integer({ min, max }), (value) => {
          const parsed = setting.type.schema.safeParse(String(value));
          expect(parsed.success).toBe(true);
          const env = { SERVERS: "http://a:1", [setting.env]: String(value) };
          const path = join(directory, "one.yaml");
          writeFileSync(path, yamlOf(env));
          const [variable] = yamlFileSource(path, () => undefined)
            .read()
            .variables.filter(({ name }) => name === setting.env);
          expect(setting.type.schema.safeParse(variable.value).data).toBe(parsed.data);
        }),
        { numRuns: 10 },
      );
      expect(read(configOf())).toBeDefined();
    }
  });
});

test("every file that docs/configuration.md shows is right", () => {
  const text = readFileSync(join(ROOT, "docs/configuration.md"), "utf8");
  const files = Array.from(text.matchAll(/```yaml\n([\s\S]*?)```/g), ([, file]) => file);
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    const path = join(directory, "shown.yaml");
    writeFileSync(path, file);
    const loaded = loadConfig([yamlFileSource(path, () => "0123456789abcdef")]);
    expect(loaded).toMatchObject({ ok: true, warnings: [] });
  }
});

describe("neurabalancer.example.yaml", () => {
  const example = readFileSync(join(ROOT, "neurabalancer.example.yaml"), "utf8");
  const defaults = configOf({ SERVERS: "http://127.0.0.1:8001,http://127.0.0.1:8002" });

  test("is the defaults as it stands, and with every setting switched on", () => {
    expect(fromFile(example)).toEqual(defaults);
    const all = example.replace(/^ {2}#(?=[a-z_2]+:)/gm, "  ");
    expect(fromFile(all)).toEqual(defaults);
    for (const { name, settings, whole } of FILE_SECTIONS) {
      const section = (parse(all) as Record<string, unknown>)[name];
      if (whole === null) expect(Object.keys(section as object)).toEqual(settings.map((one) => one.name));
    }
  });

  test("has pools, routes, listeners and limits that are right, and every setting of routes but those that exclude others", () => {
    const all = example.replace(/^#(?=(pools|routes|route_defaults|listeners|rate_limits):| {2,})/gm, "");
    const loaded = fromFile(all);
    expect(loaded.pools.map(({ name }) => name)).toEqual(["default", "shop", "api", "auth"]);
    expect(loaded.pools[1].servers.list).toMatchObject([{}, { weight: 2, zone: "eu-1a" }, { backup: true }]);
    expect(loaded.routes.map(({ name }) => name)).toEqual([
      "shop-api",
      "GET|HEAD api.example/v1/*",
      "old.example/*",
      "/robots.txt",
      "rest",
    ]);
    const [route] = (parse(all) as { routes: object[] }).routes;
    const excluded = ["split", "split_by", "redirect", "respond"];
    expect(Object.keys(route)).toEqual(Object.keys(ROUTE.fields).filter((name) => !excluded.includes(name)));
    const own = {
      clientAuth: "off",
      proxyProtocol: false,
      http2: true,
      clients: { allow: null, deny: ["192.0.2.0/24"] },
    } as const;
    expect(loaded.listeners).toEqual([{ host: "0.0.0.0", port: 8080, tls: false, ...own }]);
    expect(loaded.rateLimits.map(({ name, quota }) => [name, quota.requests])).toEqual([
      ["clients", 100],
      ["uploads", 10],
    ]);
    const schema = z.fromJSONSchema(JSON.parse(readFileSync(join(ROOT, "docs/neurabalancer.schema.json"), "utf8")));
    expect(schema.safeParse(parse(all)).error).toBeUndefined();
    for (const wrong of [
      "pools: {a: {app: {}}}",
      "pools: {a: {timeouts: {idle: 3s}}}",
      "pools: {a: {timeouts: {connect: 3sec}}}",
      "routes: [{pol: a}]",
      "routes: [{redirect: {status: 299}}]",
      "routes: {pool: a}",
      "listeners: [{port: 70000}]",
      "rate_limits: {a: {rates: 1/s}}",
      "rate_limits: {a: {rate: 1/s, mode: on}}",
    ]) {
      expect({ wrong, isRight: schema.safeParse(parse(wrong)).success }).toEqual({ wrong, isRight: false });
    }
  });

  test("is right by the schema for editors, which knows wrong ones", () => {
    const text = readFileSync(join(ROOT, "docs/neurabalancer.schema.json"), "utf8");
    const schema = z.fromJSONSchema(JSON.parse(text));
    const isRight = (yaml: string) => schema.safeParse(parse(yaml)).success;
    expect(isRight(example)).toBe(true);
    expect(isRight(example.replace(/^ {2}#(?=[a-z_2]+:)/gm, "  "))).toBe(true);
    expect(isRight("servers: [http://a:1, {url: http://b:2, weight: 2}]\nlimits: {max_body: 10MB}")).toBe(true);
    for (const wrong of [
      "tims: {}",
      "timeouts: {conect: 1s}",
      "timeouts: {connect: 5}",
      "timeouts: {connect: 5sec}",
      "app: {port: 70000}",
      "log: {level: loud}",
      "servers: [{weight: 2}]",
      "servers: [{url: http://a:1, wait: 2}]",
    ]) {
      expect({ wrong, isRight: isRight(wrong) }).toEqual({ wrong, isRight: false });
    }
  });
});
