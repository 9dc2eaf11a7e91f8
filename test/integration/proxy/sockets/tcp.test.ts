/** Our own sockets against the runtime's on the other side. */
import { afterEach, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { createServer, connect as netConnect, type Server, type Socket } from "node:net";
import { AddressBuffer, packAddress } from "../../../../src/proxy/sockets/address.ts";
import { Libc } from "../../../../src/proxy/sockets/libc.ts";
import type { Dialler, RawSocket } from "../../../../src/proxy/sockets/raw-socket.ts";
import { isBorrowed, keep, keepClientPacket, RECEIVE_BYTES } from "../../../../src/proxy/sockets/receive-memory.ts";
import { Tcp, type TcpListener } from "../../../../src/proxy/sockets/tcp.ts";
import { until } from "../../../support/until.ts";
import { Wire } from "../../../support/wire.ts";

const errors: unknown[] = [];
const onLinux = process.platform === "linux";
const tcp = onLinux
  ? new Tcp(
      () => performance.now(),
      1,
      (error) => errors.push(error),
    )
  : undefined;

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
  errors.length = 0;
});

/** Notes what it is told, in order. */
class Notes implements Dialler {
  readonly seen: string[] = [];
  readonly packets: Buffer[] = [];
  bytes = 0;
  wantsRest = false;
  socket: RawSocket | null = null;
  onBytes: (data: Buffer) => void = () => {};
  onRoom: () => void = () => {};
  #wake: (() => void)[] = [];

  onData(data: Buffer): void {
    this.bytes += data.length;
    this.onBytes(data);
    this.#note("data");
  }
  onDrain(): void {
    this.onRoom();
    this.#note("drain");
  }
  onEnd(): void {
    this.#note("end");
  }
  onClose(_nowMs: number, error?: Error): void {
    this.#note(error === undefined ? "close" : `broken ${(error as NodeJS.ErrnoException).code}`);
  }
  onInternalError(): void {
    this.#note("internal error");
    this.socket?.terminate();
  }
  begun(): void {}
  opened(socket: RawSocket): void {
    this.socket = socket;
    this.#note("opened");
  }
  refused(code: string): void {
    this.#note(`refused ${code}`);
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#wake.push(resolve));
  }
  untilSeen(what: string): Promise<void> {
    return this.until(() => this.seen.includes(what));
  }
  #note(what: string): void {
    this.seen.push(what);
    for (const wake of this.#wake.splice(0)) wake();
  }
}

function listen(host = "127.0.0.1", onSocket?: (socket: RawSocket) => Notes | null) {
  const clients: Notes[] = [];
  const addresses: string[] = [];
  const listener = (tcp as Tcp).listen(host, 0, (socket) => {
    addresses.push(socket.remoteAddress);
    if (onSocket) return onSocket(socket);
    const notes = new Notes();
    notes.socket = socket;
    clients.push(notes);
    return notes;
  }) as TcpListener;
  cleanups.push(() => {
    listener.stop();
    for (const { socket } of clients) socket?.terminate();
  });
  return { listener, clients, addresses };
}

function dial(port: number, host = "127.0.0.1"): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = netConnect({ port, host, allowHalfOpen: true });
    cleanups.push(() => socket.destroy());
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
}

async function accepted(clients: Notes[]): Promise<Notes> {
  await until(() => clients.length > 0);
  return clients[0];
}

async function serve(onSocket: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    cleanups.push(() => socket.destroy());
    socket.on("error", () => {});
    onSocket(socket);
  });
  cleanups.push(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as { port: number }).port;
}

/** A connection of ours, and the other end of it. */
async function connected(): Promise<{ notes: Notes; server: Wire }> {
  const ends: Wire[] = [];
  const port = await serve((socket) => ends.push(new Wire(socket)));
  const notes = new Notes();
  (tcp as Tcp).connect("127.0.0.1", port, notes);
  await notes.untilSeen("opened");
  return { notes, server: await until(() => ends[0]) };
}

describe.if(onLinux)("addresses", () => {
  const libc = onLinux ? new Libc() : (undefined as never);

  test("are packed as the kernel reads them", () => {
    expect(packAddress(libc, "127.0.0.1", 8080)?.bytes.toHex()).toBe(`02001f907f000001${"00".repeat(8)}`);
    expect(packAddress(libc, "::1", 1)?.bytes.toHex()).toBe(`0a00000100000000${"00".repeat(15)}01${"00".repeat(4)}`);
  });

  test.each(["localhost", "", "127.0.0.1:80", "fe80::1%eth0", "256.0.0.1"])("%p is none", (host) => {
    expect(packAddress(libc, host, 80)).toBeNull();
  });

  test.each(["127.0.0.1", "10.1.2.3", "::1", "2001:db8::5"])("%p is read as it was packed", (host) => {
    const buffer = new AddressBuffer(libc);
    const packed = packAddress(libc, host, 4321);
    for (let i = 0; i < 2; i++) {
      buffer.bytes.set(packed?.bytes ?? []);
      expect([buffer.text, buffer.port]).toEqual([host, 4321]);
    }
  });
});

test.if(onLinux)("a loop that comes to nothing for a while says so, before it gives what came meanwhile", async () => {
  const told: [number, number][] = [];
  const { loop } = tcp!;
  const listener = tcp!.listen("127.0.0.1", 0, () => null)!;
  cleanups.push(
    () => listener.stop(),
    () => {
      loop.onStandstill = () => {};
    },
  );
  loop.onStandstill = (fromMs, untilMs) => void told.push([fromMs, untilMs]);
  await Bun.sleep(50);
  const fromMs = performance.now();
  while (performance.now() < fromMs + 200);
  const untilMs = performance.now();
  // The machine may have come to nothing before and behind it, too, and for longer.
  await until(() => told.some(([from, to]) => from <= fromMs && to >= untilMs));
});

describe.if(onLinux)("a listener", () => {
  test.each(["127.0.0.1", "::1"])("on %p takes connections and tells the client's address", async (host) => {
    const { listener, clients, addresses } = listen(host);
    const client = await dial(listener.port, host);
    const served = await accepted(clients);
    client.write("hello");
    await served.until(() => served.bytes === 5);
    served.socket?.write(Buffer.from("world"));
    expect(String(await new Promise((resolve) => client.once("data", resolve)))).toBe("world");
    expect(addresses).toEqual([host]);
  });

  test("says by its code that a port is in use by somebody who does not share it", async () => {
    const port = await serve(() => {});
    expect(() => (tcp as Tcp).listen("127.0.0.1", port, () => null)).toThrow(
      expect.objectContaining({ code: "EADDRINUSE" }),
    );
  });

  test("leaves names to others", () => {
    expect((tcp as Tcp).listen("localhost", 0, () => null)).toBeNull();
  });

  test("resets whom nobody wants, and whom the handler throws at", async () => {
    let throwing = false;
    const { listener } = listen("127.0.0.1", () => {
      if (throwing) throw new Error("planned");
      return null;
    });
    for (throwing of [false, true]) {
      const client = netConnect({ port: listener.port, host: "127.0.0.1" });
      const code = await new Promise((resolve) => client.once("error", (e) => resolve((e as { code?: string }).code)));
      expect(code).toBe("ECONNRESET");
    }
    expect(errors).toHaveLength(1);
  });

  test("has no descriptor left behind once all is closed", async () => {
    const open = (): number =>
      Array.from({ length: 400 }, (_, fd) => fd).filter((fd) => existsSync(`/proc/self/fd/${fd}`)).length;
    const before = open();
    const { listener, clients } = listen();
    for (let i = 0; i < 20; i++) (await dial(listener.port)).destroy();
    await until(() => clients.length === 20);
    for (const client of clients) {
      await client.until(() => client.seen.length > 0);
      client.socket?.end();
    }
    listener.stop();
    await until(() => open() <= before);
  });
});

describe.if(onLinux)("a connection", () => {
  test("that nobody takes is refused, with the reason, and not at once", async () => {
    const notes = new Notes();
    expect((tcp as Tcp).connect("127.0.0.1", 1, notes)).not.toBeNull();
    expect(notes.seen).toEqual([]);
    await notes.untilSeen("refused ECONNREFUSED");
  });

  test("can be given up while it is made, and is never heard of again", async () => {
    const port = await serve(() => {});
    const notes = new Notes();
    (tcp as Tcp).connect("127.0.0.1", port, notes)?.terminate();
    const later = new Notes();
    (tcp as Tcp).connect("127.0.0.1", port, later);
    await later.untilSeen("opened");
    later.socket?.terminate();
    expect(notes.seen).toEqual([]);
  });

  test("ends in each direction on its own", async () => {
    const port = await serve((socket) => {
      socket.on("data", () => {});
      socket.on("end", () => socket.end("late answer"));
    });
    const notes = new Notes();
    (tcp as Tcp).connect("127.0.0.1", port, notes);
    await notes.untilSeen("opened");
    notes.socket?.write(Buffer.from("question"));
    notes.socket?.shutdown();
    await notes.untilSeen("close");
    expect(notes.seen).toEqual(["opened", "data", "close"]);
    expect(notes.bytes).toBe(11);
  });

  test("hears of the peer's end once, and can still send", async () => {
    let got = "";
    const port = await serve((socket) => {
      socket.on("data", (data) => {
        got += data;
      });
      socket.end("bye");
    });
    const notes = new Notes();
    (tcp as Tcp).connect("127.0.0.1", port, notes);
    await notes.untilSeen("end");
    notes.socket?.write(Buffer.from("still here"));
    await until(() => got === "still here");
    expect(notes.seen.filter((what) => what === "end")).toHaveLength(1);
  });

  test("reads what came before a reset, also when it was paused or has found the reset by sending", async () => {
    for (const sending of [false, true]) {
      const { notes, server } = await connected();
      notes.wantsRest = true;
      notes.socket?.pause();
      server.socket.write(Buffer.alloc(50_000));
      await until(() => server.unacknowledged === 0);
      server.reset();
      if (sending) expect(notes.socket?.write(Buffer.from("x"))).toBe(-1);
      await Bun.sleep(20);
      expect(notes.seen.filter((what) => what.startsWith("broken"))).toEqual([]);
      notes.socket?.resume();
      await notes.untilSeen("broken ECONNRESET");
      expect(notes.bytes).toBe(50_000);
      expect(notes.seen).not.toContain("end");
    }
  });

  test("that is paused hears of a reset that it has found by sending, if nobody wants the rest", async () => {
    const { notes, server } = await connected();
    notes.socket?.pause();
    await server.send("x");
    // Nothing comes between the two: the loop has not told of the reset yet.
    server.reset();
    let written = 0;
    for (const end = performance.now() + 5000; written >= 0 && performance.now() < end; ) {
      written = notes.socket?.write(Buffer.from("x")) ?? 0;
    }
    expect(written).toBe(-1);
    await notes.until(() => notes.seen.some((what) => what.startsWith("broken")));
    expect(notes.seen.at(-1)).toBe("broken ECONNRESET");
    expect(errors).toEqual([]);
  });

  test("hears of an end and of the reset behind it", async () => {
    const { notes, server } = await connected();
    server.socket.end("bye");
    await notes.untilSeen("end");
    server.reset();
    await notes.untilSeen("broken ECONNRESET");
    expect(notes.seen).toEqual(["opened", "data", "end", "broken ECONNRESET"]);
  });

  test.each([false, true])("hears of a reset, also while it is paused (%p)", async (paused) => {
    const { notes, server } = await connected();
    if (paused) notes.socket?.pause();
    server.reset();
    await notes.untilSeen("broken ECONNRESET");
    expect(notes.socket?.write(Buffer.from("x"))).toBe(-1);
  });

  test("that throws at its user is ended by him", async () => {
    const port = await serve((socket) => socket.write("x"));
    const notes = new Notes();
    notes.onBytes = () => {
      throw new Error("planned");
    };
    (tcp as Tcp).connect("127.0.0.1", port, notes);
    await notes.untilSeen("internal error");
    expect(errors).toHaveLength(1);
  });

  test("reads nothing while it is paused, and everything afterwards", async () => {
    const size = 8 * 1024 * 1024;
    const port = await serve((socket) => socket.end(Buffer.alloc(size, 7)));
    const notes = new Notes();
    (tcp as Tcp).connect("127.0.0.1", port, notes);
    await notes.untilSeen("opened");
    notes.socket?.pause();
    await Bun.sleep(30);
    const before = notes.bytes;
    await Bun.sleep(30);
    expect(notes.bytes).toBe(before);
    notes.socket?.resume();
    await notes.untilSeen("end");
    expect(notes.bytes).toBe(size);
  });

  test("says when a full peer has room again, and no byte is lost or doubled", async () => {
    const size = 16 * 1024 * 1024;
    const data = Buffer.allocUnsafe(size);
    for (let i = 0; i < size; i++) data[i] = (i * 31 + (i >>> 13)) & 255;
    const readers: Socket[] = [];
    const port = await serve((socket) => {
      readers.push(socket.pause());
    });
    const notes = new Notes();
    (tcp as Tcp).connect("127.0.0.1", port, notes);
    await notes.untilSeen("opened");
    let sent = 0;
    const push = (): void => {
      for (;;) {
        const taken = notes.socket?.write(data, sent, size - sent) ?? -1;
        sent += Math.max(taken, 0);
        if (taken <= 0 || sent === size) break;
      }
      if (sent === size) notes.socket?.shutdown();
    };
    notes.onRoom = push;
    push();
    expect(sent).toBeLessThan(size);
    const reader = await until(() => readers[0]);
    const hash = new Bun.CryptoHasher("sha256");
    for await (const chunk of reader) hash.update(chunk as Uint8Array);
    expect(hash.digest("hex")).toBe(new Bun.CryptoHasher("sha256").update(data).digest("hex"));
    expect(notes.seen).toContain("drain");
  });
});

describe.if(onLinux)("received memory", () => {
  test("is borrowed, unless kept", async () => {
    const port = await serve((socket) => {
      socket.write("small");
      socket.once("data", () => socket.write(Buffer.alloc(RECEIVE_BYTES, 1)));
    });
    const notes = new Notes();
    const kept: Buffer[] = [];
    notes.onBytes = (data) => {
      expect(isBorrowed(data)).toBe(true);
      kept.push(keep(data.subarray(1)));
    };
    (tcp as Tcp).connect("127.0.0.1", port, notes);
    await notes.until(() => notes.bytes === 5);
    notes.socket?.write(Buffer.from("more"));
    await notes.until(() => notes.bytes === 5 + RECEIVE_BYTES);
    expect(kept[0].toString()).toBe("mall");
    expect(kept.slice(1).every((packet) => packet.every((byte) => byte === 1))).toBe(true);
    expect(kept.some(isBorrowed)).toBe(false);
    expect(keep(kept[0])).toBe(kept[0]);
  });

  test("of a client's small packets is the user's", async () => {
    const { listener, clients } = listen();
    const client = await dial(listener.port);
    const served = await accepted(clients);
    const got: Buffer[] = [];
    served.onBytes = (data) => got.push(keepClientPacket(data));
    for (const text of ["one", "two"]) {
      client.write(text);
      await served.until(() => served.bytes === got.length * 3 && got.length === (text === "one" ? 1 : 2));
    }
    client.write(Buffer.alloc(RECEIVE_BYTES, 3));
    await served.until(() => served.bytes === 6 + RECEIVE_BYTES);
    expect(got.slice(0, 2).map(String)).toEqual(["one", "two"]);
    expect(got.some(isBorrowed)).toBe(false);
  });
});

describe.if(onLinux)("the event loop", () => {
  test("lets the runtime's timers and promises go on while it waits", async () => {
    const { clients, listener } = listen();
    await dial(listener.port);
    await accepted(clients);
    const turns: string[] = [];
    setTimeout(() => turns.push("timer"), 5);
    setImmediate(() => turns.push("immediate"));
    queueMicrotask(() => turns.push("microtask"));
    await until(() => turns.length === 3);
    // A machine with other work lets 5 ms pass before the first of them.
    expect(turns[0]).toBe("microtask");
  });
});
