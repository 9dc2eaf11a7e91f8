/** Every setting changes something, and a test shows what. See settings-effects.ts. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { readAcmeSettings } from "../../../src/config/acme/settings.ts";
import { toLearnerSettings } from "../../../src/config/learner-settings.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { RESERVED_FEATURES } from "../../../src/config/names/reserved.ts";
import { toProxySettings } from "../../../src/config/proxy-settings.ts";
import { toRecorderSettings } from "../../../src/config/recorder-settings.ts";
import { ALL_SETTINGS, OTHER_SECTIONS, placeSettings } from "../../../src/config/schema.ts";
import { environmentSource } from "../../../src/config/sources/environment.ts";
import { yamlFileSource } from "../../../src/config/sources/yaml/source.ts";
import { toTracerSettings } from "../../../src/config/tracer-settings.ts";
import { toFleetOptions } from "../../../src/control/supervisor/fleet-options.ts";
import { pinSettings, restartsNeeded } from "../../../src/control/supervisor/pinned.ts";
import { createAuthority, createSelfSigned } from "../../support/certificates.ts";
import { configOf, load, TWO_SERVERS } from "../../support/configuration.ts";
import { yamlOf } from "../../support/settings-file.ts";
import { EFFECTS } from "./settings-effects.ts";

const ROOT = join(import.meta.dir, "../../..");
const SERVED = ALL_SETTINGS.map(({ setting }) => setting.env);
const RESTARTED = ALL_SETTINGS.filter(({ setting }) => setting.restart).map(({ setting }) => setting.env);
const OTHERS = placeSettings(OTHER_SECTIONS).map(({ setting }) => setting.env);
/** Settings whose values are files of certificates: "a" and "b" stand for them. */
const PEM: Readonly<Record<string, "crt" | "key">> = {
  TLS_CERT_FILE: "crt",
  TLS_KEY_FILE: "key",
  UPSTREAM_CA_FILE: "crt",
  ACME_CA_FILE: "crt",
  UPSTREAM_CERT_FILE: "crt",
  UPSTREAM_KEY_FILE: "key",
  ...pemOfExporter("OTEL_EXPORTER_OTLP"),
  ...pemOfExporter("OTEL_EXPORTER_OTLP_TRACES"),
};

function pemOfExporter(prefix: string): Record<string, "crt" | "key"> {
  return {
    [`${prefix}_CERTIFICATE`]: "crt",
    [`${prefix}_CLIENT_CERTIFICATE`]: "crt",
    [`${prefix}_CLIENT_KEY`]: "key",
  };
}

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "neurabalancer-effects-"));
  for (const name of ["a", "b"]) {
    const { cert, key } = createSelfSigned(`DNS:${name}.test`);
    writeFileSync(join(directory, `${name}.crt`), cert);
    writeFileSync(join(directory, `${name}.key`), key);
    writeFileSync(join(directory, `${name}.crl`), createAuthority().revoke());
    writeFileSync(join(directory, `${name}.txt`), name === "a" ? "10.0.0.0/8\n" : "10.0.0.0/9\n");
  }
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("every setting is in the list, and nothing else", () => {
  expect(Object.keys(EFFECTS).sort()).toEqual([...SERVED, ...OTHERS].sort());
});

/** What the processes are given, as one flat object. */
function given(env: Record<string, string>): Record<string, unknown> {
  const config = configOf(env);
  const { pools, routes, request: _ofNoPool, ...all } = toProxySettings(config, { nowMs: 0 });
  const [{ request, ...pool }] = pools;
  // Of what pools are given the instance's own values are no more than their defaults.
  const worker = Object.fromEntries(Object.entries(all).filter(([key]) => !(key in pool || key in request)));
  const fleet = toFleetOptions(config, pool);
  const recorder = toRecorderSettings(config) ?? {};
  const acme = readAcmeSettings(config, { problem: () => {}, warning: () => {} }) ?? {};
  const tracer = toTracerSettings(config, 0) ?? {};
  const learner = toLearnerSettings(config);
  const parts = { worker, pool, request, route: routes[0], fleet, learner, recorder, tracer, acme };
  return Object.fromEntries(
    Object.entries(parts).flatMap(([part, values]) =>
      Object.entries(values).map(([key, value]) => [`${part}.${key}`, value] as const),
    ),
  );
}

function environment(name: string, value: string): Record<string, string> {
  const file = (letter: string, kind: string) => join(directory, `${letter}.${kind}`);
  // A certificate goes with its key: where one is replaced, so is the other.
  if (/^UPSTREAM_(CERT|KEY)_FILE$/.test(name)) {
    return { UPSTREAM_CERT_FILE: file(value, "crt"), UPSTREAM_KEY_FILE: file(value, "key") };
  }
  const exporter = /^(OTEL_EXPORTER_OTLP\w*)_CLIENT_(CERTIFICATE|KEY)$/.exec(name)?.[1];
  if (exporter !== undefined) {
    return { [`${exporter}_CLIENT_CERTIFICATE`]: file(value, "crt"), [`${exporter}_CLIENT_KEY`]: file(value, "key") };
  }
  if (name.startsWith("TLS_CLIENT_")) {
    const is = (one: string): string => (name === one ? value : "a");
    const files = { TLS_CERT_FILE: file("a", "crt"), TLS_KEY_FILE: file("a", "key"), TLS_PORT: "1" };
    const asked = { TLS_CLIENT_AUTH: name === "TLS_CLIENT_AUTH" ? value : "require" };
    const ca = file(is("TLS_CLIENT_CA_FILE"), "crt");
    const crl = file(is("TLS_CLIENT_CRL_FILE"), "crl");
    return { ...files, ...asked, TLS_CLIENT_CA_FILE: ca, TLS_CLIENT_CRL_FILE: crl };
  }
  if (/^CLIENTS_\w+_FILE$/.test(name)) return { [name]: file(value, "txt") };
  if (name.startsWith("TLS_")) {
    const letter = name.endsWith("_FILE") ? value : "a";
    const files = { TLS_CERT_FILE: file(letter, "crt"), TLS_KEY_FILE: file(letter, "key"), TLS_PORT: "1" };
    return name.endsWith("_FILE") ? files : { ...files, [name]: value };
  }
  return { [name]: name in PEM ? file(value, PEM[name]) : value };
}

describe.each(Object.entries(EFFECTS).filter(([name]) => SERVED.includes(name)))(
  "%s",
  (name, { values, reaches, with: more }) => {
    test("reaches who needs it, and nothing else", () => {
      const [first, second] = values.map((value) => given({ ...more, ...environment(name, value) }));
      const changed = Object.keys(first).filter((key) => !isDeepStrictEqual(first[key], second[key]));
      expect(changed.sort()).toEqual([...reaches].sort());
      if (reaches.length === 0) {
        // The supervisor reads it from the configuration: that at least differs.
        const [one, other] = values.map((value) => configOf({ ...more, ...environment(name, value) }));
        expect(one).not.toEqual(other);
      }
    });

    test("means the same in the configuration file", () => {
      for (const value of values) {
        const env = { SERVERS: TWO_SERVERS, ...more, ...environment(name, value) };
        const path = join(directory, "neurabalancer.yaml");
        writeFileSync(path, yamlOf(env));
        const loaded = loadConfig([environmentSource({}), yamlFileSource(path, () => undefined)]);
        if (!loaded.ok) throw new Error(loaded.problems.join("\n"));
        expect(loaded.config).toEqual(configOf(env));
        const { origin } = loaded.effective.find((setting) => setting.env === name)!;
        expect(origin).toStartWith(`${path}:`);
      }
    });

    test("is kept by a reload, and named, if it needs a restart", () => {
      const [running, wanted] = values.map((value) => configOf({ ...more, ...environment(name, value) }));
      const [before, after] = [running, wanted].map((config) => toProxySettings(config, { nowMs: 0 }));
      const { settings, needRestart } = pinSettings(before, after);
      const others = [
        ...restartsNeeded("admin", running.admin, wanted.admin),
        ...restartsNeeded("redis", running.redis, wanted.redis),
        ...restartsNeeded("cluster", running.cluster, wanted.cluster),
      ];
      const all = [...needRestart, ...others];
      expect(all).toEqual(RESTARTED.includes(name) ? [name] : []);
      expect(settings).toEqual(RESTARTED.includes(name) ? before : after);
    });
  },
);

describe.each(Object.entries(EFFECTS))("%s", (name, { file, title }) => {
  test(`is shown by a test: ${title}`, () => {
    expect(existsSync(join(ROOT, file))).toBe(true);
    const source = readFileSync(join(ROOT, file), "utf8").replaceAll(/([[(])\s+"/g, '$1"');
    // As the argument of a test, or as the first of a row of test.each: a mention in a comment shows nothing.
    expect(source.includes(`("${title}"`) || source.includes(`["${title}"`)).toBe(true);
    // The test sets it: by its name, or by the name that it has in the program; itself or in a file that it imports.
    const nearby = [...source.matchAll(/from "(\.[^"]+\.ts)"/g)].map(([, path]) => join(ROOT, dirname(file), path));
    const all = [source, ...nearby.filter((path) => !path.includes("/src/")).map((path) => readFileSync(path, "utf8"))];
    const names = [name, ...namesOf(name)];
    expect({ name, set: names.some((one) => all.some((text) => new RegExp(`\\b${one}\\b`).test(text))) }).toEqual({
      name,
      set: true,
    });
  });
});

/** What a setting is called inside: its key in the configuration, and those of the parts that it reaches. */
function namesOf(env: string): string[] {
  const placed = [...ALL_SETTINGS, ...placeSettings(OTHER_SECTIONS)].find(({ setting }) => setting.env === env);
  const reached = EFFECTS[env].reaches.map((path) => path.split(".")[1]);
  // Of sections that are handed over whole the key is the name.
  return [
    ...reached.filter((key) => !/^(health|outlier|dns|metricsPoll|model(File|Server))$/.test(key)),
    placed?.key ?? "",
  ]
    .filter((key) => key !== "")
    .concat(ALIASES[env] ?? []);
}

/** Names inside that are neither. */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  HEALTH_CHECK_INTERVAL_SECONDS: ["INTERVAL_MS"],
  MODEL_INPUT_NAME: ["inputName"],
  MODEL_OUTPUT_NAME: ["outputName"],
  SCALER_PATH: ["scaler"],
};

describe("names of features that this version does not have", () => {
  const reserved = RESERVED_FEATURES.flatMap(({ settings }) => settings);

  test("are no settings", () => {
    for (const { env } of reserved) expect(EFFECTS[env]).toBeUndefined();
  });

  test.each(reserved.map((setting) => [setting.env, setting] as const))(
    "%s is reported at start as ignored, and changes nothing",
    (env, { default: usual }) => {
      const loaded = load({ [env]: "4711" });
      if (!loaded.ok) throw new Error(loaded.problems.join());
      expect(loaded.warnings).toHaveLength(1);
      expect(loaded.warnings[0]).toContain(env);
      expect(loaded.warnings[0]).toEndWith("is not supported by this version: ignored");
      const listed = loaded.effective.find((setting) => setting.env === env);
      expect(listed).toMatchObject({ section: "ignored", value: "4711" });
      expect(loaded.config).toEqual(configOf());
      // Its default asks for nothing.
      if (usual !== null) expect(load({ [env]: usual }).warnings).toEqual([]);
    },
  );
});
