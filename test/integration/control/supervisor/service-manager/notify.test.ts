/** What a service manager is told: sd_notify(3), over a real socket. */
import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { notifierOf } from "../../../../../src/control/supervisor/service-manager/notify.ts";
import { Kernel, Libc } from "../../../../../src/proxy/sockets/libc.ts";
import { freePort } from "../../../../support/ports/free-port.ts";
import { ProductProcess } from "../../../../support/product-process.ts";
import { until } from "../../../../support/until.ts";

const SOCK_DGRAM = 2;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "nb-notify-"));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "notify.sock");
}

/** Listens as systemd does. @returns what came next; "" = nothing more. */
function listenAt(name: string): () => string {
  const libc = new Libc();
  const fd = libc.call.socket(Kernel.AF_UNIX, SOCK_DGRAM | Kernel.SOCK_CLOEXEC, 0);
  closing.push(() => libc.call.close(fd));
  const address = Buffer.concat([Buffer.from([Kernel.AF_UNIX, 0]), Buffer.from(name)]);
  if (libc.call.bind(fd, address, address.length) < 0) throw new Error(`cannot bind: ${libc.errno}`);
  const buffer = Buffer.alloc(4096);
  return () => {
    const length = libc.call.recv(fd, buffer, buffer.length, Kernel.MSG_DONTWAIT);
    return length < 0 ? "" : buffer.toString("utf8", 0, length);
  };
}

test("lines are one message, to a path or to a name without one", () => {
  const troubles: string[] = [];
  const path = newPath();
  const [atPath, atName] = [listenAt(path), listenAt(`\0neurabalancer-test-${process.pid}`)];
  for (const socket of [path, `@neurabalancer-test-${process.pid}`]) {
    notifierOf(socket, (why) => troubles.push(why))("READY=1", "MAINPID=7");
  }
  expect([atPath(), atName()]).toEqual(["READY=1\nMAINPID=7\n", "READY=1\nMAINPID=7\n"]);
  expect(troubles).toEqual([]);
});

test("where nobody is, or nothing is to be told, nothing happens but that it is said once", () => {
  const troubles: string[] = [];
  const said = (socket: string | undefined) => {
    const notify = notifierOf(socket, (why) => troubles.push(why));
    notify("READY=1");
    notify("STOPPING=1");
    return troubles.splice(0);
  };
  expect(said(undefined)).toEqual([]);
  expect(said("")).toEqual([]);
  expect(said(newPath())).toEqual(["nobody takes what is sent to NOTIFY_SOCKET"]);
  expect(said("vsock:2:1")).toEqual(["NOTIFY_SOCKET is no address of a Unix socket"]);
});

/** What is heard at `path`, and instances that tell it there, all on the same port. */
function tellers() {
  const path = newPath();
  const next = listenAt(path);
  const settings = {
    SERVERS: "http://127.0.0.1:1",
    HEALTH_CHECK_ENABLED: "false",
    APP_HOST: "127.0.0.1",
    APP_PORT: `${freePort()}`,
    ADMIN_PORT: "0",
    WORKERS: "1",
  };
  let heard = "";
  const hear = (): string => {
    for (let message = next(); message !== ""; message = next()) heard += message;
    return heard;
  };
  const start = (...flags: string[]): ProductProcess => startIn("", ...flags);
  const startIn = (environment: string, ...flags: string[]): ProductProcess => {
    const command = [join(import.meta.dir, "../../../../../bin/neurabalancer"), "serve", ...flags];
    const product = new ProductProcess(settings, { prelude: `export NOTIFY_SOCKET=${path} ${environment}`, command });
    closing.push(() => product.end());
    return product;
  };
  return { hear, start, startIn };
}

const ready = ({ process: { pid } }: ProductProcess): string => `READY=1\nMAINPID=${pid}\n`;

test("an instance says when it serves, and when it stops", async () => {
  const { hear, start } = tellers();
  const product = start();
  await until(() => hear() !== "", 110_000);
  expect(hear()).toBe(ready(product));
  await product.started();
  expect((await fetch(`http://127.0.0.1:${product.port}/health/live`)).status).toBe(200);
  product.process.kill("SIGTERM");
  await product.process.exited;
  expect(hear()).toBe(`${ready(product)}STOPPING=1\n`);
}, 120_000);

test("where one takes over from another, the service is the new one's, and does not stop", async () => {
  const { hear, start } = tellers();
  const first = start();
  await until(() => hear() !== "", 110_000);
  const second = start("--take-over");
  await first.process.exited;
  expect(first.process.exitCode).toBe(0);
  expect(hear()).toBe(ready(first) + ready(second));
}, 240_000);

test("it says when it reads its configuration again, and when it has", async () => {
  const { hear, start } = tellers();
  const product = start();
  await until(() => hear() !== "", 110_000);
  const before = hear();
  product.process.kill("SIGHUP");
  await until(() => hear().length > before.length && hear().endsWith("READY=1\n"));
  expect(hear()).toBe(`${before}RELOADING=1\nREADY=1\n`);
}, 120_000);

test("it is heard of again and again where somebody watches over it, and where that is for another process it is not", async () => {
  const { hear, startIn } = tellers();
  const watched = startIn("WATCHDOG_USEC=30000 WATCHDOG_PID=$$");
  await until(() => hear().split("WATCHDOG=1\n").length > 3, 110_000);
  await watched.end();
  const heard = hear().length;
  const unwatched = startIn("WATCHDOG_USEC=30000 WATCHDOG_PID=1");
  await until(() => hear().length > heard, 110_000);
  await unwatched.end();
  expect(hear().slice(heard)).toBe(`${ready(unwatched)}STOPPING=1\n`);
}, 240_000);
