/** Which versions, suites and groups are spoken with clients, as OpenSSL finds them. */
import { afterEach, beforeAll, describe, expect, test } from "bun:test";
import type { ClientTls, TlsCertificate } from "../../../../src/protocol/worker.ts";
import { createAuthority } from "../../../support/certificates.ts";
import { spawn } from "../../../support/processes.ts";
import { Backend, cleanUp, ok, TEST_SETTINGS, TestProxy } from "../../../support/proxy-harness.ts";

const certificates: TlsCertificate[] = [];
beforeAll(() => {
  const authority = createAuthority();
  for (const name of ["shop.test", "blog.test"]) {
    const { cert, key } = authority.issue(`DNS:${name}`);
    certificates.push({ certPem: cert, keyPem: key, names: [name] });
  }
});
afterEach(cleanUp);

/** What is agreed on with OpenSSL: the suite, or `none`. @param name `-` = no server is named. */
async function agreed(port: number, args: string, name: string): Promise<string> {
  const named = name === "-" ? ["-noservername"] : ["-servername", name];
  const client = spawn(["openssl", "s_client", "-connect", `127.0.0.1:${port}`, ...named, ...args.split(" ")], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const text = await new Response(client.stdout).text();
  await client.exited;
  const suite = /Cipher is (\S+)/.exec(text)?.[1] ?? "";
  return suite === "(NONE)" ? "none" : suite;
}

describe.each([1, 2])("with %d certificates", (count) => {
  const speaking = async (terms: Partial<ClientTls>): Promise<number> => {
    const clientTls = { ...TEST_SETTINGS.clientTls, ...terms };
    const tls = { port: 0, certificates: certificates.slice(0, count) };
    return new TestProxy([await Backend.answering(() => ok())], { settings: { tls, clientTls } }).tlsPort;
  };
  const OLD = "-cipher DEFAULT@SECLEVEL=0";
  const names = ["shop.test", "blog.test", "-"];

  test("TLS 1.2 and 1.3, with forward secrecy and authenticated encryption, unless something else is said", async () => {
    const port = await speaking({});
    for (const name of names) {
      expect(await agreed(port, `-tls1_1 ${OLD}`, name)).toBe("none");
      expect(await agreed(port, `-tls1 ${OLD}`, name)).toBe("none");
      expect(await agreed(port, "-tls1_2", name)).toMatch(/^ECDHE-ECDSA-(AES|CHACHA20)/);
      expect(await agreed(port, "-tls1_3", name)).toMatch(/^TLS_/);
      for (const weak of ["ECDHE-ECDSA-AES128-SHA", "AES128-SHA", "ECDHE-ECDSA-AES256-SHA"]) {
        expect(await agreed(port, `-tls1_2 -cipher ${weak}@SECLEVEL=0`, name)).toBe("none");
      }
    }
  });

  test("TLS_MIN_VERSION=1.3 speaks nothing below", async () => {
    const port = await speaking({ minVersion: "1.3" });
    for (const name of names) {
      expect(await agreed(port, "-tls1_2", name)).toBe("none");
      expect(await agreed(port, "-tls1_3", name)).toMatch(/^TLS_/);
    }
  });

  test("TLS_CIPHERS are those of TLS 1.2, and TLS_CURVES the groups of both versions", async () => {
    const port = await speaking({ ciphers: "ECDHE-ECDSA-CHACHA20-POLY1305", curves: "P-384" });
    for (const name of names) {
      expect(await agreed(port, "-tls1_2", name)).toBe("ECDHE-ECDSA-CHACHA20-POLY1305");
      expect(await agreed(port, "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", name)).toBe("none");
      expect(await agreed(port, "-tls1_3", name)).toMatch(/^TLS_/);
      expect(await agreed(port, "-tls1_3 -curves X25519", name)).toBe("none");
      expect(await agreed(port, "-tls1_2 -curves X25519", name)).toBe("none");
      expect(await agreed(port, "-tls1_3 -curves P-384", name)).toMatch(/^TLS_/);
    }
  });
});
