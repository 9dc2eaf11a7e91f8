/** Lists of revoked certificates that run out while the product runs. */
import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { hasListOutOfDate, revocationExpiries } from "../../../../../src/control/supervisor/certificates/revocation.ts";
import type { ClientTls } from "../../../../../src/protocol/worker.ts";
import { revocationListsIn } from "../../../../../src/shared/x509/revocation-list.ts";
import { createAuthority } from "../../../../support/certificates.ts";
import { Scratch } from "../../../../support/processes.ts";
import { until } from "../../../../support/until.ts";
import { Product } from "../product.ts";

const DAY_MS = 86_400_000;
const termsWith = (...crlPems: string[]) => ({ crlPems }) as unknown as ClientTls;

test("each list is told of by its authority, and whether all hold", () => {
  const [one, two] = [createAuthority("one"), createAuthority("two")];
  const terms = termsWith(one.revoke(), two.shortList(3600));
  const [first, second] = terms.crlPems?.flatMap(revocationListsIn) ?? [];
  expect(revocationExpiries(terms)).toEqual([
    { name: "one", expiresAtSeconds: Number(first.nextUpdateMs) / 1000 },
    { name: "two", expiresAtSeconds: Number(second.nextUpdateMs) / 1000 },
  ]);
  const now = second.thisUpdateMs;
  expect([now, now + 3_600_000].map((at) => hasListOutOfDate(terms, at))).toEqual([false, false]);
  expect([now - DAY_MS, now + 3_600_001].map((at) => hasListOutOfDate(terms, at))).toEqual([true, true]);
  expect([revocationExpiries(termsWith()), hasListOutOfDate(termsWith(), now)]).toEqual([[], false]);
});

test("one that runs out is told of when it does, once, and no longer when its successor is there", async () => {
  const scratch = new Scratch();
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("ok") });
  const clients = createAuthority("clients");
  const own = clients.issue("DNS:localhost");
  const file = (name: string, text: string): string => {
    writeFileSync(scratch.file(name), text);
    return scratch.file(name);
  };
  const product = new Product({
    SERVERS: `http://127.0.0.1:${server.port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "1",
    TLS_PORT: "0",
    TLS_CERT_FILE: file("own.pem", own.cert),
    TLS_KEY_FILE: file("own.key", own.key),
    TLS_CLIENT_AUTH: "require",
    TLS_CLIENT_CA_FILE: file("clients.pem", clients.cert),
    TLS_CLIENT_CRL_FILE: file("revoked.pem", clients.shortList(6)),
  });
  try {
    await product.ready();
    const mode = () => product.metric(/^neurabalancer_degraded\{mode="revocation_lists"\}/);
    const ends = () => product.metric(/^neurabalancer_tls_revocation_list_expiry_seconds\{name="clients"\}/);
    const end = await ends();
    expect(end).toBeGreaterThan(Date.now() / 1000 - 3600);
    await until(async () => (await mode()) === 1);
    expect(Date.now() / 1000).toBeGreaterThan(end);
    const said = () => product.stderr.split("\n").filter((line) => line.includes('"mode":"revocation_lists"'));
    await until(() => said().length === 1);
    expect(said()[0]).toContain("a list of revoked certificates (TLS_CLIENT_CRL_FILE) is out of date");
    file("revoked.pem", clients.revoke());
    await until(async () => (await mode()) === 0);
    expect(await ends()).toBeGreaterThan(end);
    await until(() => said().length === 2);
  } finally {
    await product.kill();
    await server.stop(true);
    scratch.remove();
  }
});
