/** Settings of the edge that contradict each other, or that mean nothing. */
import { afterAll, describe, expect, test } from "bun:test";
import { ConfigFile } from "./fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const S = "servers: [http://a:1]\n";
const TLS = "tls: {cert_files: c, key_files: k}\n";

describe.each([
  [{ TLS_CIPHERS: "ECDHE-RSA-AES128-GCM-SHA256:BOGUS" }, "BOGUS is no cipher suite that the runtime has (it has "],
  [{ TLS_CIPHERS: "HIGH" }, "HIGH is no cipher suite that the runtime has"],
  [{ TLS_CIPHERS: "TLS_AES_128_GCM_SHA256" }, "is of TLS 1.3, whose suites cannot be chosen: leave it out"],
  [{ TLS_CIPHERS: "ECDHE-RSA-AES128-GCM-SHA256::" }, "has an empty entry"],
  [{ TLS_CURVES: "P-256,X448" }, "X448 is no group that the runtime has (it has X25519MLKEM768, X25519, P-256"],
  [{ TLS_MIN_VERSION: "1.1" }, "must be one of: 1.2, 1.3"],
  [{ TLS_CLIENT_AUTH: "require" }, "TLS_CLIENT_AUTH: needs TLS_PORT: certificates are a part of TLS"],
  [{ PROXY_PROTOCOL: "on" }, "PROXY_PROTOCOL_FROM: is required by PROXY_PROTOCOL, or TRUSTED_PROXIES"],
  [{ CLIENTS_ALLOW: "10.0.0.0/33" }, 'entry 1 "10.0.0.0/33" must be an address or a CIDR range'],
  [{ UPSTREAM_PROXY_PROTOCOL: "v3" }, "must be one of: off, v1, v2"],
] as const)("%j", (env, problem) => {
  test("is told", () => {
    expect(file.problems(S, { ...env } as Record<string, string>).join("\n")).toContain(problem);
  });
});

describe.each([
  ["listeners: [{port: 80, client_auth: require}]", "needs tls: on: certificates are a part of TLS"],
  ["listeners: [{port: 80, tls: on, client_auth: require}]", "is required by"],
  ["listeners: [{port: 80, clients: {}}]", "says nothing: write allow: or deny:"],
  ["listeners: [{port: 80, clients: {allow: []}}]", "is empty, so nobody would be served"],
  ["listeners: [{port: 80, proxy_protocol: on}]", "is required by"],
  ["routes: [{pool: default, clients: {deny: nobody}}]", "must be an address or a CIDR range"],
] as const)("%s", (text, problem) => {
  test("is told", () => {
    expect(file.problems(`${S}${TLS}${text}`).join("\n")).toContain(problem);
  });
});

test("listeners have values of their own", () => {
  const text = `${S}${TLS}listeners:
  - {port: 80, proxy_protocol: on, clients: {allow: 10.0.0.1/8}}
  - {port: 443, tls: on, client_auth: request}
  - {port: 444, tls: on}
`;
  const env = { TRUSTED_PROXIES: "10.0.0.1", TLS_CLIENT_CA_FILE: "ca.pem" };
  expect(file.right(text, env).config.listeners).toEqual([
    { host: "0.0.0.0", port: 80, tls: false, proxyProtocol: true, clients: { allow: ["10.0.0.0/8"], deny: [] } },
    { host: "0.0.0.0", port: 443, tls: true, clientAuth: "request" },
    { host: "0.0.0.0", port: 444, tls: true },
  ]);
});

test("names are taken in either way of writing them", () => {
  const { config } = file.right(S, {
    TLS_CIPHERS: "ECDHE-RSA-AES128-GCM-SHA256, AES128-SHA",
    TLS_CURVES: "P-256:X25519",
  });
  expect(config.tls.ciphers).toBe("ECDHE-RSA-AES128-GCM-SHA256:AES128-SHA");
  expect(config.tls.curves).toBe("P-256:X25519");
});
