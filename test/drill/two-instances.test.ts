/** Instances that are started on one port: whenever that is, exactly one runs. */
import { expect, test } from "bun:test";
import { endedAfterAll } from "../support/ended-after-all.ts";
import { freePort } from "../support/ports/free-port.ts";
import { Product, until } from "./fixture.ts";

const open = endedAfterAll();

function start(settings: Readonly<Record<string, string>>): Product {
  const product = new Product({ SERVERS: "http://127.0.0.1:1", HEALTH_CHECK_ENABLED: "false", ...settings });
  open.push(product);
  return product;
}

const runs = (product: Product) => product.said("balancing over") !== undefined;
const ended = (product: Product) => product.process.exitCode !== null;

test("three at the same moment: one serves, the others say whose the port is and end with 1", async () => {
  const port = `${freePort()}`;
  const hosts = ["127.0.0.1", "0.0.0.0", "::"];
  const all = hosts.map((host) => start({ APP_HOST: host, APP_PORT: port, ADMIN_PORT: "0" }));
  await until(() => all.every((product) => runs(product) || ended(product)), 60_000);
  const [winner] = all.filter(runs);
  const losers = all.filter((product) => product !== winner);
  await until(() => losers.every(ended));
  for (const loser of losers) {
    expect(loser.process.exitCode).toBe(1);
    expect(runs(loser)).toBe(false);
    await until(() => loser.said(`APP_PORT=${port}: it is in use by another instance, process `));
  }
  expect(ended(winner)).toBe(false);

  // Killed, it leaves the port to the next as soon as its workers are gone.
  winner.process.kill("SIGKILL");
  await winner.process.exited;
  await until(async () => {
    const next = start({ APP_PORT: port });
    await until(() => runs(next) || ended(next), 60_000);
    return runs(next);
  }, 60_000);
}, 120_000);

test("a second one later is told whose the port is, and which port it is", async () => {
  const [port, adminPort] = [`${freePort()}`, `${freePort()}`];
  const first = start({ APP_PORT: port, ADMIN_PORT: adminPort });
  await until(() => runs(first), 60_000);
  const why = `it is in use by another instance, process ${first.process.pid}; stop that one, or choose another port`;
  const app = start({ APP_PORT: port });
  const admin = start({ ADMIN_PORT: adminPort });
  await until(() => ended(app) && ended(admin), 60_000);
  await until(() => app.said(`cannot listen on APP_HOST=127.0.0.1 APP_PORT=${port}: ${why}`));
  await until(() => admin.said(`cannot listen on ADMIN_HOST=127.0.0.1 ADMIN_PORT=${adminPort}: ${why}`));
  expect([app.process.exitCode, admin.process.exitCode]).toEqual([1, 1]);
}, 120_000);
