/** Listeners of the file, and those that APP_PORT and TLS_PORT make. */
import { afterAll, describe, expect, test } from "bun:test";
import { ConfigFile } from "./fixture.ts";

const file = new ConfigFile();
afterAll(() => file.remove());

const S = "servers: [http://a:1]\n";
const TLS = "tls: {cert_files: c, key_files: k}\n";
const listenersOf = (text: string, env: Record<string, string> = {}) => file.right(S + text, env).config.listeners;

describe("listeners", () => {
  test("are those of the file, in its order, else one for each port", () => {
    expect(listenersOf("")).toEqual([{ host: "0.0.0.0", port: 8080, tls: false }]);
    expect(listenersOf(TLS, { TLS_PORT: "8443", APP_HOST: "::1" })).toEqual([
      { host: "::1", port: 8080, tls: false },
      { host: "::1", port: 8443, tls: true },
    ]);
    expect(
      listenersOf(`${TLS}listeners: [{port: 443, tls: on}, {address: "[::1]", port: 80}, {port: 0}, {port: 0}]`, {
        APP_HOST: "127.0.0.1",
      }),
    ).toEqual([
      { host: "127.0.0.1", port: 443, tls: true },
      { host: "::1", port: 80, tls: false },
      { host: "127.0.0.1", port: 0, tls: false },
      { host: "127.0.0.1", port: 0, tls: false },
    ]);
  });

  test.each([
    ["[{}]", "listeners[0] (n.yaml:2:13): has no port: write one, such as port: 8080"],
    ["[]", "listeners (n.yaml:2:12): has no entries, so nobody could connect"],
    ["[{port: 70000}]", 'listeners[0].port="70000" (n.yaml:2:20): must be a port'],
    ["[{port: 80}, {address: 127.0.0.1, port: 80}]", "listeners[1] (n.yaml:2:25): wants the port of listeners[0]"],
    ["[{address: '::', port: 80}, {port: 80}]", "wants the port of listeners[0] on the same address"],
    ["[{port: 80, tls: on}]", "tls.cert_files: is required by a listener with tls: on"],
    ["[{port: 8090}]", "admin.port: is the same as listeners[0] (8090): choose another, or 0 for none"],
    ["[{address: localhost:80, port: 80}]", "must be an address to listen on"],
  ])("%#", (listeners, problem) => {
    const problems = file.problems(`${S}listeners: ${listeners}\nlog: {level: info}`, { ADMIN_HOST: "0.0.0.0" });
    expect(
      problems.filter((one) =>
        one.replace("ADMIN_PORT", "admin.port").replace("TLS_CERT_FILE", "tls.cert_files").includes(problem),
      ),
    ).toHaveLength(1);
  });

  test("APP_PORT and TLS_PORT cannot stand beside them", () => {
    expect(file.problems(`${S}${TLS}app: {port: 80}\nlisteners: [{port: 81, tls: on}]`, { TLS_PORT: "8443" })).toEqual([
      "app.port (n.yaml:3:13): is set beside listeners (n.yaml:4:12), which say all that is listened on: remove one of them",
      "TLS_PORT (environment): is set beside listeners (n.yaml:4:12), which say all that is listened on: remove one of them",
    ]);
  });

  test("a server that is one of them is found", () => {
    const text = "servers: [http://127.0.0.1:81]\nlisteners: [{port: 80}, {address: 127.0.0.1, port: 81}]";
    expect(file.problems(text)).toEqual([
      expect.stringContaining("http://127.0.0.1:81 is this balancer itself (listeners[1]=81)"),
    ]);
  });
});
