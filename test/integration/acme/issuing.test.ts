/** Certificates by ACME, the whole product against a real ACME server: both challenges, renewals, restarts, and what goes wrong. */
import { afterAll, afterEach, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createPublicKey, X509Certificate } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, HAS_PEBBLE, Pebble } from "../../support/acme/pebble.ts";
import { run } from "../../support/processes.ts";
import { ProductProcess } from "../../support/product-process.ts";
import { until } from "../../support/until.ts";

setDefaultTimeout(180_000);

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
  [httpPort, tlsPort] = [await freePort(), await freePort()];
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
});
