/** Where an instance is asked for its health, by what its settings say of its ports. */
import { expect, test } from "bun:test";
import { type HealthPlaces, loadHealthPlaces } from "../../../../src/config/commands/health.ts";
import { environmentSource } from "../../../../src/config/sources/environment.ts";
import { yamlTextSource } from "../../../../src/config/sources/yaml/source.ts";

function load(env: Record<string, string>, yaml = ""): HealthPlaces {
  const file = yamlTextSource({ path: "n.yaml", text: yaml }, (name) => env[name]);
  return loadHealthPlaces([environmentSource(env), ...(yaml === "" ? [] : [file])]);
}

function listenerOf(env: Record<string, string>, yaml = "") {
  const places = load(env, yaml);
  if (!places.ok) throw new Error(places.problems.join("\n"));
  return places.listener;
}

const DEFAULT = { host: "0.0.0.0", port: 8080, tls: false };

test("at the port for plain HTTP, whatever is wrong with other settings", () => {
  expect(listenerOf({})).toEqual(DEFAULT);
  expect(listenerOf({ LB_STRATEGY: "no-such", SERVERS: "?", TLS_PORT: "8443" })).toEqual(DEFAULT);
  expect(listenerOf({ APP_HOST: "::1", APP_PORT: "81" })).toEqual({ host: "::1", port: 81, tls: false });
  expect(listenerOf({}, "pools: {x: {servers: []}}")).toEqual(DEFAULT);
});

test("at a listener of the file: one without TLS if there is one", () => {
  const both = "listeners: [{port: 443, tls: on}, {address: 127.0.0.1, port: 80}]";
  expect(listenerOf({}, both)).toMatchObject({ host: "127.0.0.1", port: 80, tls: false });
  expect(listenerOf({}, "listeners: [{port: 443, tls: on}]")).toMatchObject({ port: 443, tls: true });
});

test.each([
  [{ RESERVED_PATHS: "false" }, ""],
  [{ CLIENTS_ALLOW: "10.0.0.0/8" }, ""],
  [{ CLIENTS_DENY_FILE: "/etc/deny" }, ""],
  [{ APP_PORT: "0" }, ""],
  [{}, "listeners: [{port: 80, clients: {allow: [10.0.0.0/8]}}]"],
  [{}, "listeners: [{port: 443, tls: on, client_auth: require}]"],
  [{ TLS_CLIENT_AUTH: "require" }, "listeners: [{port: 443, tls: on}]"],
])("at the admin port where no public one answers to all: %#", (env, yaml) => {
  expect(load(env as Record<string, string>, yaml)).toMatchObject({ ok: true, listener: null, admin: { port: 8090 } });
});

test("what is wrong with the ports themselves is said", () => {
  expect(load({ APP_PORT: "many" })).toEqual({ ok: false, problems: [expect.stringContaining("APP_PORT")] });
  expect(load({}, "listeners: [{}]")).toEqual({
    ok: false,
    problems: [expect.stringContaining("listeners[0] (n.yaml:1:13): has no port")],
  });
});
