/** `serve --last-good`: a file that is wrong at start does not keep what ran before from running. */
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { LAST_GOOD_FILE } from "../../../src/config/sources/last-good.ts";
import { KEEPS_NOTHING } from "../../support/configuration.ts";
import { Daemon, Scratch } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { LAUNCHER, neurabalancer } from "./spawn.ts";

const scratch = new Scratch();
afterAll(() => scratch.remove());

const PATH = scratch.file("n.yaml");
const RIGHT = `app: {host: 127.0.0.1, port: 0, workers: 1}
admin: {port: auto}
log: {access: off}
storage: {data_dir: ${scratch.file("data")}}
pools:
  shop: {servers: [http://127.0.0.1:1]}
routes: [{pool: shop}]
`;

async function serve(): Promise<Daemon> {
  const product = new Daemon([LAUNCHER, "serve", "--config", PATH, "--last-good"], { env: KEEPS_NOTHING });
  await product.says(({ stderr }) => stderr.includes("balancing over"));
  return product;
}

async function degraded({ stderr }: Daemon): Promise<string[]> {
  const port = /"port":(\d+),"msg":"the admin API listens"/.exec(stderr)?.[1];
  const status = (await (await fetch(`http://127.0.0.1:${port}/api/v1/status`)).json()) as { degraded: string[] };
  return status.degraded;
}

test("a wrong file is refused while nothing ran before, and then stands behind what ran", async () => {
  writeFileSync(PATH, RIGHT.replace("pool: shop", "pool: shp"));
  const refused = neurabalancer(["serve", "--config", PATH, "--last-good"], {}, scratch.path);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('\\"shp\\" is no pool; did you mean shop?');
  expect(refused.stderr).toContain(`--last-good: no configuration that ran is kept in ${scratch.file("data")}`);

  writeFileSync(PATH, RIGHT);
  const first = await serve();
  await until(() => Bun.file(scratch.file(`data/${LAST_GOOD_FILE}`)).size > 0);
  await first.stop();

  writeFileSync(PATH, RIGHT.replace("pool: shop", "pool: shp"));
  const second = await serve();
  try {
    expect(second.stderr).toContain('\\"shp\\" is no pool; did you mean shop?');
    expect(second.stderr).toContain("the configuration is wrong: the one that ran last is used (--last-good)");
    expect(await degraded(second)).toContain("configuration");
    writeFileSync(PATH, RIGHT.replace("{pool: shop}", "{pool: shop, name: all}"));
    second.process.kill("SIGHUP");
    await second.says(({ stderr }) => stderr.includes("the new configuration is in force"));
    expect(second.stderr).toContain("routes: + all - /*");
    expect(await degraded(second)).not.toContain("configuration");
  } finally {
    await second.stop();
  }

  // Without the flag a wrong file is a wrong file.
  writeFileSync(PATH, "pools: {");
  expect(neurabalancer(["serve", "--config", PATH], {}, scratch.path).code).toBe(1);
});
