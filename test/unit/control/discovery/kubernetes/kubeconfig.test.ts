import { expect, test } from "bun:test";
import { accessByKubeconfig } from "../../../../../src/control/discovery/kubernetes/kubeconfig.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const base64 = (text: string) => Buffer.from(text).toString("base64");

/** As kubectl writes it: one cluster, one user. */
function config(user: object, cluster: object = {}, more: object = {}): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "admin@shop",
    clusters: [{ name: "shop", cluster: { server: "https://10.0.0.1:6443", ...cluster } }],
    users: [{ name: "admin", user }],
    contexts: [
      { name: "admin@shop", context: { cluster: "shop", user: "admin", namespace: "edge" } },
      { name: "nobody@shop", context: { cluster: "shop", user: "nobody" } },
      { name: "admin", context: { cluster: "shop" } },
    ],
    ...more,
  });
}

function access(files: Readonly<Record<string, string>>, context: string | null = null) {
  const read = async (path: string, isOptional: boolean) => {
    if (files[path] === undefined && !isOptional) throw new Error(`${path} cannot be read`);
    return files[path] ?? null;
  };
  return accessByKubeconfig(
    Object.keys(files)
      .filter((path) => path.endsWith("config"))
      .join(":"),
    context,
    read,
  );
}

test("a token, an authority within the file", async () => {
  const text = config({ token: "abc" }, { "certificate-authority-data": base64(PEM) });
  const only = { url: "https://10.0.0.1:6443", token: "abc", ca: PEM, cert: null, key: null };
  expect(await access({ "/home/config": text })).toEqual(only);
});

test("files are named from where the kubeconfig file is; data count more, and a tokenFile more than a token", async () => {
  const user = { token: "abc", tokenFile: "token", "client-certificate": "pki/me.pem", "client-key": "/keys/me.key" };
  const cluster = { "certificate-authority": "pki/ca.pem", "certificate-authority-data": base64(`${PEM}data`) };
  const files = { "/home/token": "from a file", "/home/pki/me.pem": `${PEM}me`, "/keys/me.key": `${PEM}key` };
  expect(await access({ "/home/config": config(user, cluster), ...files })).toMatchObject({
    token: "from a file",
    ca: `${PEM}data`,
    cert: `${PEM}me`,
    key: `${PEM}key`,
  });
});

test("of several files the first that says something counts, and one that is missing is none", async () => {
  const first = JSON.stringify({ "current-context": "two", clusters: [] });
  const more = { contexts: [{ name: "two", context: { cluster: "shop", user: "admin" } }] };
  const files = {
    "/a/config": first,
    "/b/config": config({ token: "b" }, {}, more),
    "/c/config": config({ token: "c" }),
  };
  expect((await access(files)).token).toBe("b");
  const read = async (path: string) => (path === "/c/config" ? files[path] : null);
  expect((await accessByKubeconfig("/gone:/c/config", null, read)).token).toBe("c");
});

test("without TLS nothing is shown", async () => {
  const text = config({ token: "abc" }, { server: "http://127.0.0.1:8001/" });
  expect(await access({ "/home/config": text })).toMatchObject({ url: "http://127.0.0.1:8001", token: null });
});

test.each([
  [
    "a program",
    config({ exec: { command: "aws" } }),
    'user "admin" in /config cannot be used: its token comes from a program (exec)',
  ],
  ["a plugin", config({ "auth-provider": { name: "gcp" } }), "which needs a plugin"],
  ["a password", config({ username: "a", password: "b" }), "a name and a password"],
  ["somebody else", config({ token: "a", as: "root" }), "acts as somebody else"],
  ["no verification", config({}, { "insecure-skip-tls-verify": true }), "not to be verified"],
  ["another name", config({}, { "tls-server-name": "api" }), "tls-server-name"],
  ["a proxy", config({}, { "proxy-url": "http://proxy" }), "HTTPS_PROXY"],
  ["a user in the URL", config({}, { server: "https://me:secret@a:6443" }), "has a user in its server"],
  ["half a certificate", config({ "client-key-data": base64(PEM) }), "one of client-certificate and client-key"],
  ["no PEM", config({ "client-key-data": "AAAA" }), 'user "admin" in /config has no PEM in client-key-data'],
  ["a file that is not there", config({ tokenFile: "gone" }), "/gone cannot be read"],
  ["no server", config({}, { server: "10.0.0.1" }), 'cluster "shop" in /config has no server'],
  ["no context", config({}, {}, { "current-context": "" }), "/config has no current-context"],
  ["an unknown context", config({}, {}, { "current-context": "dev" }), 'there is no context "dev" in /config'],
  ["an unknown user", config({}, {}, { "current-context": "nobody@shop" }), 'there is no user "nobody" in /config'],
  ["no user", config({}, {}, { "current-context": "admin" }), "the context in /config names no user"],
  ["no list", config({}, {}, { users: "admin" }), 'there is no user "admin"'],
  ["another YAML file", "apiVersion: v1\nkind: Pod\n", "/config is no kubeconfig file"],
  ["a list", "[]", "/config is no kubeconfig file"],
  ["no YAML", "clusters:\n- {token: secret\n", "/config:3 is no YAML"],
] as const)("%s is refused in words", async (_what, text, words) => {
  const error = await access({ "/config": text }).catch((cause: Error) => cause);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toContain(words);
  expect((error as Error).message).toEndWith(")".repeat(words.endsWith("cannot be read") ? 0 : 1));
  expect((error as Error).message).not.toContain("secret");
});

test("no file at all, and a context that is not the current one", async () => {
  await expect(accessByKubeconfig("/gone", null, async () => null)).rejects.toThrow("there is no file /gone");
  await expect(access({ "/config": config({}) }, "nobody@shop")).rejects.toThrow('no user "nobody"');
});

test("aliases cannot make it huge", async () => {
  const lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]", "clusters: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a, *a]"];
  const text = [...lines, "contexts: [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b, *b]"].join("\n");
  await expect(access({ "/config": text })).rejects.toThrow("/config is no YAML (too many aliases)");
});
