/** Listening sockets that pass to another process, with the clients that wait in them. */
import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeSockets } from "../../../../src/proxy/sockets/hand-over.ts";
import { Libc } from "../../../../src/proxy/sockets/libc.ts";
import { Network } from "../../../../src/proxy/sockets/network.ts";
import type { Listening, SocketUser } from "../../../../src/proxy/sockets/raw-socket.ts";
import { Tcp } from "../../../../src/proxy/sockets/tcp.ts";
import { spawn } from "../../../support/processes.ts";
import { until } from "../../../support/until.ts";
import { Wire } from "../../../support/wire.ts";

const SOURCE = join(import.meta.dir, "../../../../src/proxy/sockets");
const HOST = "127.0.0.1";

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function newPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "nb-hand-over-"));
  closing.push(() => rmSync(directory, { recursive: true, force: true }));
  return join(directory, "listen-0.sock");
}

/** A process that listens, takes nobody in, and hands over its sockets. */
async function startHolder(path: string, count: number): Promise<{ ports: readonly number[]; end(): Promise<void> }> {
  const code = `
    import { packAddress, AddressBuffer } from "${SOURCE}/address.ts";
    import { offerSockets } from "${SOURCE}/hand-over.ts";
    import { Kernel, Libc } from "${SOURCE}/libc.ts";
    const libc = new Libc();
    const address = packAddress(libc, "${HOST}", 0);
    const sockets = Array.from({ length: ${count} }, () => {
      const fd = libc.call.socket(Kernel.AF_INET, Kernel.SOCK_STREAM | Kernel.SOCK_NONBLOCK | Kernel.SOCK_CLOEXEC, 0);
      libc.call.bind(fd, address.bytes, address.bytes.length);
      libc.call.listen(fd, 16);
      const found = new AddressBuffer(libc);
      found.reset();
      libc.call.getsockname(fd, found.bytes, found.length);
      return { host: "${HOST}", port: found.port, fd };
    });
    offerSockets("${path}", () => sockets);
    console.log(JSON.stringify(sockets.map(({ port }) => port)));`;
  const child = spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
  const end = async () => {
    child.kill("SIGKILL");
    await child.exited;
  };
  closing.push(end);
  const { value } = await child.stdout.getReader().read();
  return { ports: JSON.parse(new TextDecoder().decode(value)), end };
}

const GREETS: SocketUser = {
  onData() {},
  onDrain() {},
  onEnd() {},
  onClose() {},
  wantsRest: false,
  onInternalError() {},
};

const onError = (error: unknown): void => {
  setImmediate(() => {
    throw error; // no handler may throw
  });
};

describe.each(["our own", "the runtime's"])("taken by %s sockets", (whose) => {
  test("a client that was waiting in one is served when the process that had it is gone", async () => {
    const path = newPath();
    const holder = await startHolder(path, 1);
    const client = await Wire.connect(holder.ports[0]);
    const [{ host, port, fd }] = takeSockets(path);
    expect({ host, port }).toEqual({ host: HOST, port: holder.ports[0] });
    await holder.end();
    const own = whose === "our own" ? new Tcp(() => performance.now(), 1, onError) : null;
    const network = new Network(own, { now: () => performance.now(), onInternalError: onError });
    const accept = (socket: { write(data: Uint8Array): number; end(): void }): SocketUser => {
      socket.write(Buffer.from("HTTP/1.1 204 No Content\r\n\r\n"));
      socket.end();
      return GREETS;
    };
    const listening: Listening = network.listen(host, port, null, accept, null, { fd, port });
    closing.push(() => listening.stop());
    expect(listening.port).toBe(port);
    expect((await client.message()).status).toBe(204);
    const later = await Wire.connect(port);
    expect((await later.message()).status).toBe(204);
  });
});

test("all of them come, in order, as often as somebody asks", async () => {
  const path = newPath();
  const { ports } = await startHolder(path, 100);
  const libc = new Libc();
  for (let round = 0; round < 3; round++) {
    const taken = takeSockets(path);
    expect(taken.map(({ port }) => port)).toEqual([...ports]);
    expect(new Set(taken.map(({ fd }) => fd)).size).toBe(100);
    for (const { fd } of taken) libc.call.close(fd);
  }
});

test("who offers none, or something else, is said", async () => {
  const path = newPath();
  expect(() => takeSockets(path)).toThrow("connect: ENOENT");
  const code = `Bun.listen({ unix: "${path}", socket: { open(s) { s.write("hello"); }, data() {} } }); console.log("listens");`;
  const child = spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit" });
  closing.push(() => child.kill("SIGKILL"));
  await until(async () => new TextDecoder().decode((await child.stdout.getReader().read()).value).includes("listens"));
  expect(() => takeSockets(path)).toThrow("what came is no list of sockets");
  expect(() => takeSockets(`/tmp/${"x".repeat(200)}`)).toThrow("the path is too long");
});
