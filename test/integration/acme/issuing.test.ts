/** Certificates by ACME, the whole product against a real ACME server: both challenges, renewals, restarts, and what goes wrong. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPublicKey, X509Certificate } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { HAS_PEBBLE, Pebble } from "../../support/acme/pebble.ts";
import { createSelfSigned } from "../../support/certificates.ts";
import { freePort } from "../../support/ports/free-port.ts";
import { run } from "../../support/processes.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(180_000);

const LAUNCHER = join(import.meta.dir, "../../../bin/neurabalancer");

let backend: ReturnType<typeof Bun.serve>;
let httpPort = 0;
let tlsPort = 0;
let pebble: Pebble;
/** Where an instance keeps what it got: outlives it. */
let kept = "";
const products: ProductProcess[] = [];

interface Shown {
  readonly name: string;
  readonly expires_at: string | null;
  readonly source: string;
  readonly acme: {
    readonly state: string;
    readonly failures: number;
    readonly next_try_at: string | null;
    readonly last_error: { readonly message: string } | null;
  } | null;
}

beforeAll(async () => {
  backend = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: (request) => new Response(`site ${request.url}`) });
  [httpPort, tlsPort] = [freePort(), freePort()];
  pebble = new Pebble({ httpPort, tlsPort });
  if (HAS_PEBBLE) await pebble.start();
});
afterEach(async () => {
  await Promise.all(products.splice(0).map((product) => product.end()));
  if (kept !== "") rmSync(kept, { recursive: true, force: true });
  kept = "";
});
afterAll(async () => {
  await backend.stop(true);
  await pebble.clean();
});

async function start(settings: Readonly<Record<string, string>>, of = pebble): Promise<ProductProcess> {
  if (kept === "") kept = mkdtempSync(join(tmpdir(), "nb-acme-"));
  const product = new ProductProcess({
    SERVERS: `http://127.0.0.1:${backend.port}`,
    APP_HOST: "127.0.0.1",
    APP_PORT: `${httpPort}`,
    TLS_PORT: `${tlsPort}`,
    ADMIN_PORT: "auto",
    WORKERS: "2",
    ACME_AGREE_TOS: "true",
    ACME_DIRECTORY_URL: of.url,
    ACME_CA_FILE: of.caFile,
    ACME_DIR: kept,
    ...settings,
  });
  products.push(product);
  await product.started();
  return product;
}

async function shown(product: ProductProcess): Promise<readonly Shown[]> {
  const { certificates } = (await (await product.admin("/api/v1/certificates")).json()) as { certificates: Shown[] };
  return certificates;
}

const renew = (product: ProductProcess, name: string): Promise<Response> =>
  product.admin(`/api/v1/certificates/${name}/renew`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });

const has = async (product: ProductProcess, name: string): Promise<boolean> =>
  (await shown(product)).some((one) => one.name === name && one.expires_at !== null && one.acme?.state === "waiting");

/** What a browser would say, that trusts the CA's root alone. */
async function curl(name: string, root: string, path = "/x"): Promise<{ code: number; text: string }> {
  const file = join(kept, "root.pem");
  writeFileSync(file, root);
  const resolve = ["--resolve", `${name}:${tlsPort}:127.0.0.1`];
  return run(["curl", "-sS", "--cacert", file, ...resolve, `https://${name}:${tlsPort}${path}`]);
}

/** Waits until clients are shown what the CA gave. */
async function serves(name: string): Promise<string> {
  const root = await pebble.root();
  await until(async () => (await curl(name, root)).code === 0, 60_000);
  return root;
}

/** Requests on one connection to what serves `name`; each gives 1. */
function fetchOver(name: string, root: string): (path: string) => Promise<number> {
  let agent: Agent | undefined;
  return async (path) => {
    const single = agent === undefined;
    agent ??= new Agent({ keepAlive: true, maxSockets: 1 });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const asked = request(
      { host: "127.0.0.1", port: tlsPort, path, agent, servername: name, ca: root, headers: { host: name } },
      (response) => {
        response.resume();
        response.once("end", () => resolve(1));
        response.once("error", reject);
      },
    );
    asked.once("error", reject);
    asked.end();
    const got = await promise;
    if (single && path === "/load") agent.destroy();
    return got;
  };
}

/** What a new client is shown. */
async function serialShown(name: string): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect({ host: "127.0.0.1", port: tlsPort, servername: name, rejectUnauthorized: false }, () =>
    resolve((socket.getPeerCertificate() as { serialNumber: string }).serialNumber),
  );
  socket.once("error", reject);
  return promise.finally(() => socket.destroy());
}

const pemOf = (name: string): string => readFileSync(join(kept, "certificates", `${name}.pem`), "utf8");
const leafOf = (name: string): X509Certificate => {
  const pem = pemOf(name);
  return new X509Certificate(pem.slice(pem.indexOf("-----BEGIN CERTIFICATE-----")));
};

describe.skipIf(!HAS_PEBBLE)("against pebble", () => {
  test.each(["http-01", "tls-alpn-01"])(
    "by %s: issued, in use, and only its owner reads the keys",
    async (challenge) => {
      const name = `${challenge}.example.test`;
      const product = await start({ ACME_DOMAINS: name, ACME_CHALLENGE: challenge });
      await until(() => has(product, name), 90_000);
      const root = await serves(name);
      expect((await curl(name, root, "/page")).text).toContain("/page");
      for (const folder of ["certificates", "accounts", "tries"]) {
        expect(statSync(join(kept, folder)).mode & 0o077).toBe(0);
        for (const file of readdirSync(join(kept, folder)))
          expect(statSync(join(kept, folder, file)).mode & 0o077).toBe(0);
      }
      expect(readdirSync(join(kept, "challenges"))).toEqual([]);
      // What was answered is the site's again.
      const after = await fetch(`http://127.0.0.1:${httpPort}/.well-known/acme-challenge/of-the-site`);
      expect(await after.text()).toContain("of-the-site");
      const metrics = await (await product.admin("/metrics")).text();
      expect(metrics).toContain('neurabalancer_acme_renewals_total{result="success"} 1');
      expect(metrics).toContain(`neurabalancer_tls_certificate_expiry_seconds{name="${name}"}`);
      expect(metrics).toContain('neurabalancer_degraded{mode="acme"} 0');
      expect(product.stderr).not.toContain("PRIVATE KEY");
    },
  );

  test.each([
    ["http-01", 1],
    ["tls-alpn-01", 1],
    ["tls-alpn-01", 2],
  ])("a renewal by %s of %i names: no request fails, and connections live on", async (challenge, count) => {
    const names = Array.from({ length: count }, (_, index) => `${challenge}-${index}.renewal.test`);
    const product = await start({ ACME_DOMAINS: names.join(","), ACME_CHALLENGE: challenge });
    for (const name of names) await until(() => has(product, name), 90_000);
    const [name] = names;
    const root = await serves(name);
    const before = leafOf(name).serialNumber;
    const steady = fetchOver(name, root);
    const failures: unknown[] = [];
    let requests = 0;
    let goesOn = true;
    const load = Array.from({ length: 4 }, async () => {
      while (goesOn) {
        try {
          requests += await fetchOver(name, root)("/load");
        } catch (error) {
          failures.push(error);
        }
      }
    });
    await steady("/first");
    const ordered = await renew(product, name);
    expect(ordered.status).toBe(202);
    await until(() => leafOf(name).serialNumber !== before, 90_000);
    await until(async () => (await serialShown(name)) === leafOf(name).serialNumber, 60_000);
    await steady("/last");
    await until(() => requests > 10 || failures.length > 0);
    goesOn = false;
    await Promise.all(load);
    expect(failures).toEqual([]);
    await until(() => product.count("a certificate was issued") >= count + 1);
    expect(product.count("a certificate was issued")).toBe(count + 1);
  });

  test("what is due is renewed by itself; after a restart what is kept is shown and nothing is asked for", async () => {
    const name = "due.example.test";
    const first = await start({ ACME_DOMAINS: name });
    await until(() => has(first, name), 90_000);
    const before = leafOf(name).serialNumber;
    const tries = join(kept, "tries", `${name}.json`);
    writeFileSync(tries, JSON.stringify({ ...JSON.parse(readFileSync(tries, "utf8")), nextTryAtMs: 1 }));
    await until(() => leafOf(name).serialNumber !== before, 90_000);
    await until(() => has(first, name), 90_000);
    const serial = leafOf(name).serialNumber;
    await products.pop()?.end();

    const asked = pebble.log.length;
    const second = await start({ ACME_DOMAINS: name });
    await serves(name);
    expect(await serialShown(name)).toBe(serial);
    await until(() => has(second, name));
    expect(second.said("a certificate is asked for")).toBeUndefined();
    // What it says of itself may come late.
    expect(pebble.log.slice(asked)).not.toContain("calling handler");
  });

  test("two names and files beside them, keys of RSA: each its own by server name", async () => {
    const names = ["one.example.test", "two.example.test"];
    const own = createSelfSigned("DNS:own.example.test");
    kept = mkdtempSync(join(tmpdir(), "nb-acme-"));
    writeFileSync(join(kept, "own.pem"), own.cert);
    writeFileSync(join(kept, "own.key"), own.key);
    const files = { TLS_CERT_FILE: join(kept, "own.pem"), TLS_KEY_FILE: join(kept, "own.key") };
    const product = await start({ ACME_DOMAINS: names.join(","), ACME_KEY_TYPE: "rsa", ...files });
    for (const name of names) {
      await until(() => has(product, name), 90_000);
      await serves(name);
      expect(createPublicKey(leafOf(name).publicKey.export({ type: "spki", format: "pem" })).asymmetricKeyType).toBe(
        "rsa",
      );
    }
    expect((await curl("own.example.test", own.cert)).code).toBe(0);
    const list = await shown(product);
    expect(list.map(({ name, source }) => `${name} ${source}`)).toEqual([
      "own.example.test file",
      "one.example.test acme",
      "two.example.test acme",
    ]);
    const table = await run([
      LAUNCHER,
      "certificates",
      "--admin",
      `http://127.0.0.1:${product.said("admin API listens")?.port}`,
    ]);
    expect(table.text).toMatch(/two\.example\.test +\d{4}-\d\d-\d\d .* acme +waiting/);
  });

  test("the CA is away at the start: the port is open, it is said why, and the wait is kept over a restart", async () => {
    const name = "away.example.test";
    const directory = { ACME_DIRECTORY_URL: `https://127.0.0.1:${freePort()}/dir`, ACME_CA_FILE: pebble.caFile };
    const first = await start({ ACME_DOMAINS: name, ...directory });
    const failed = async (product: ProductProcess): Promise<NonNullable<Shown["acme"]> | undefined> => {
      const [one] = await shown(product);
      return one?.acme?.state === "failing" ? one.acme : undefined;
    };
    const state = await until(() => failed(first), 60_000);
    expect(state.last_error?.message).toContain("cannot be reached");
    expect(Date.parse(state.next_try_at ?? "")).toBeGreaterThan(Date.now() + 60_000);
    const peer = await run(["openssl", "s_client", "-connect", `127.0.0.1:${tlsPort}`, "-servername", name], {
      input: new Blob([]),
    });
    expect(peer.text).toContain("no certificate yet");
    expect(await (await first.admin("/metrics")).text()).toContain('neurabalancer_degraded{mode="acme"} 1');
    expect(await (await first.admin("/metrics")).text()).not.toContain("neurabalancer_tls_certificate_expiry_seconds{");
    const again = await renew(first, name);
    expect(again.status).toBe(429);
    expect((await renew(first, "none.test")).status).toBe(404);
    await products.pop()?.end();

    const second = await start({ ACME_DOMAINS: name, ...directory });
    const still = await until(() => failed(second), 60_000);
    expect(still).toEqual(state);
    expect(second.said("a certificate is asked for")).toBeUndefined();
    // Another CA is asked at once.
    second.configure({ ACME_DIRECTORY_URL: pebble.url, ACME_CA_FILE: pebble.caFile });
    second.process.kill("SIGHUP");
    await until(() => has(second, name), 90_000);
    await serves(name);
  });

  test("a name that leads elsewhere: the CA's words are shown, and it is not asked again soon", async () => {
    const elsewhere = new Pebble({ httpPort: freePort(), tlsPort: freePort() });
    await elsewhere.start();
    try {
      const name = "elsewhere.example.test";
      const product = await start({ ACME_DOMAINS: name }, elsewhere);
      const one = await until(async () => (await shown(product)).find(({ acme }) => acme?.state === "failing"), 90_000);
      expect(one.acme?.last_error?.message).toMatch(/http-01 for elsewhere\.example\.test failed: .*connection/);
      expect(one.acme?.failures).toBe(1);
      expect(product.count("a certificate is asked for")).toBe(1);
      expect(readdirSync(join(kept, "challenges"))).toEqual([]);
      const timeline = product.lines.filter(({ msg }) => msg.startsWith("no certificate: "));
      expect(timeline.length).toBe(1);
    } finally {
      await elsewhere.clean();
    }
  });

  test("an account that the CA binds to another, and a CA that was set up anew and knows it no more", async () => {
    const key = Buffer.from("a key of the CA's own, of 256 bit").toString("base64url");
    const strict = new Pebble({ httpPort, tlsPort, externalAccounts: { "kid-1": key } });
    await strict.start();
    try {
      const name = "bound.example.test";
      const bound = { ACME_EAB_KEY_ID: "kid-1", ACME_EAB_HMAC_KEY: key };
      const product = await start({ ACME_DOMAINS: name, ...bound }, strict);
      await until(() => has(product, name), 90_000);
      const before = leafOf(name).serialNumber;
      await strict.stop();
      await strict.start();
      expect((await renew(product, name)).status).toBe(202);
      await until(() => leafOf(name).serialNumber !== before, 90_000);
      expect(product.stderr).not.toContain(key);
      expect(await (await product.admin("/api/v1/status")).text()).not.toContain(key);
    } finally {
      await strict.clean();
    }
  });

  test("two instances share a directory: one asks, the other answers for it and shows what came", async () => {
    const name = "shared.example.test";
    const first = await start({ ACME_DOMAINS: name });
    await until(() => has(first, name), 90_000);
    const other = await start({ ACME_DOMAINS: name, APP_PORT: "0", TLS_PORT: "0", ADMIN_PORT: "auto" });
    await until(() => has(other, name), 90_000);
    expect(other.said("a certificate is asked for")).toBeUndefined();
    // The CA comes to the first one; the second one orders.
    const before = leafOf(name).serialNumber;
    expect((await renew(other, name)).status).toBe(202);
    await until(() => leafOf(name).serialNumber !== before, 90_000);
    expect(other.said("a certificate is asked for")).toBeDefined();
    await until(async () => (await serialShown(name)) === leafOf(name).serialNumber, 60_000);
  });
});
