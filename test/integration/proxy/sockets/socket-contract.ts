/**
 * What every socket does that the proxy uses, whoever's it is (src/proxy/sockets/raw-socket.ts). What the runtime's cannot do
 * by their nature is a difference with a name, and tested as such.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { until } from "../../../support/until.ts";
import type { Wire } from "../../../support/wire.ts";
import type { Recorder } from "./recorder.ts";

/** A socket, as its user has it, and the other end of its connection. */
export interface Pair {
  readonly user: Recorder;
  readonly peer: Wire;
}

/**
 * What becomes of bytes that a paused socket has not read when its peer resets: it keeps them, and the news, until it
 * reads again; it hands them over at once, and then the news; or they are lost.
 */
export type RestOfReset = "kept" | "handed over" | "lost";

/** One kind of socket, in one role. */
export interface SocketKind {
  readonly name: string;
  /** A paused socket tells of the peer's FIN (`onEndAhead`); else only when it reads again. */
  readonly tellsEndAhead: boolean;
  readonly restOfReset: RestOfReset;
  /** What it calls the other end of a connection. */
  readonly address: string;
  /** What it tells of before there is any data. */
  readonly greeting: readonly string[];
  start(): Promise<void> | void;
  open(): Promise<Pair>;
  /** Closes what `open` left open. */
  clean(): void;
  stop(): void;
  /** What handlers threw. */
  readonly errors: unknown[];
}

const SIZE = 12 * 1024 * 1024;

/** @param kind one of those that the proxy has. */
export function socketContract(kind: SocketKind): void {
  describe(kind.name, () => {
    beforeAll(() => kind.start());
    afterAll(() => kind.stop());
    afterEach(() => {
      kind.clean();
      expect(kind.errors.splice(0)).toEqual([]);
    });

    /** Until whatever has happened so far has been told: another connection has come, spoken and gone. */
    const settle = async (): Promise<void> => {
      const { user, peer } = await kind.open();
      await peer.send("later");
      await until(() => user.text === "later");
      user.socket?.write(Buffer.from("later"));
      await peer.take(5);
      user.socket?.end();
      await peer.end();
      peer.destroy();
    };

    test("opens, and says whose it is", async () => {
      const { user } = await kind.open();
      expect(user.heard).toEqual([...kind.greeting]);
      expect(user.socket?.remoteAddress).toBe(kind.address);
      expect(user.socket?.fd).toBeGreaterThan(2);
    });

    test("passes bytes on in order, both ways", async () => {
      const { user, peer } = await kind.open();
      for (const text of ["one ", "two ", "three"]) {
        await peer.send(text);
        await until(() => user.text.endsWith(text));
        const bytes = Buffer.from(`<${text}>`);
        expect(user.socket?.write(bytes, 1, text.length)).toBe(text.length);
      }
      expect(user.text).toBe("one two three");
      expect(String(await peer.take(13))).toBe("one two three");
    });

    test("takes a part of much, says when there is room again, and loses nothing", async () => {
      const { user, peer } = await kind.open();
      peer.socket.pause();
      const data = pattern(SIZE);
      let sent = 0;
      const push = (): void => {
        user.actions.set("drain", push);
        for (;;) {
          // In pieces, in memory that is used again at once.
          const piece = Buffer.from(data.subarray(sent, sent + 300_000));
          const taken = user.socket?.write(piece, 0, piece.length) ?? -1;
          piece.fill(0);
          expect(taken).toBeGreaterThanOrEqual(0);
          sent += taken;
          if (taken < piece.length || sent === SIZE) return;
        }
      };
      push();
      expect(sent).toBeLessThan(SIZE);
      peer.socket.resume();
      const got = await peer.take(SIZE);
      expect(Bun.hash(got)).toBe(Bun.hash(data));
      expect(user.heard).toContain("drain");
    });

    test("hands over nothing while it is paused, and everything afterwards", async () => {
      const { user, peer } = await kind.open();
      user.socket?.pause();
      const data = pattern(SIZE);
      const pumping = peer.pump(data);
      await settle();
      expect(user.received).toBe(0);
      user.socket?.resume();
      await pumping;
      await until(() => user.received === SIZE);
      expect(Bun.hash(Buffer.concat(user.packets))).toBe(Bun.hash(data));
    });

    test("ends its own direction, and goes on reading", async () => {
      const { user, peer } = await kind.open();
      user.socket?.write(Buffer.from("question"));
      user.socket?.shutdown();
      user.socket?.shutdown();
      expect(await peer.end()).toBe("end");
      expect(peer.text).toBe("question");
      expect(user.socket?.write(Buffer.from("x"))).toBe(-1);
      await peer.send("answer");
      await until(() => user.text === "answer");
      peer.finish();
      await until(() => user.over);
      expect(user.heard.slice(kind.greeting.length)).toEqual(["data", "close"]);
    });

    test("tells of the peer's end once, and goes on writing", async () => {
      const { user, peer } = await kind.open();
      peer.socket.end("bye");
      await until(() => user.count("end") > 0);
      expect(user.text).toBe("bye");
      expect(user.socket?.write(Buffer.from("still "))).toBe(6);
      expect(user.socket?.write(Buffer.from("here"))).toBe(4);
      user.socket?.end();
      expect(await peer.end()).toBe("end");
      expect(peer.text).toBe("still here");
      await settle();
      expect(user.count("end")).toBe(1);
    });

    test("closes in order: what was written arrives, and nothing more is heard", async () => {
      const { user, peer } = await kind.open();
      user.socket?.write(Buffer.from("last words"));
      const heard = [...user.heard];
      user.socket?.end();
      expect(user.socket?.fd).toBe(-1);
      await peer.send("nobody reads this");
      expect(await peer.end()).toBe("end");
      expect(peer.text).toBe("last words");
      await settle();
      expect(user.heard).toEqual(heard);
    });

    test("resets, which the peer takes for no end, and nothing more is heard", async () => {
      const { user, peer } = await kind.open();
      const heard = [...user.heard];
      user.socket?.terminate();
      expect(user.socket?.fd).toBe(-1);
      expect(await peer.end()).toBe("reset");
      await settle();
      expect(user.heard).toEqual(heard);
    });

    test("is let go of once: what comes behind it does nothing", async () => {
      for (const first of ["end", "terminate"] as const) {
        const { user, peer } = await kind.open();
        const { socket } = user;
        socket?.[first]();
        socket?.end();
        socket?.terminate();
        socket?.shutdown();
        socket?.pause();
        socket?.resume();
        expect(socket?.write(Buffer.from("x"))).toBe(-1);
        expect(await peer.end()).toBe(first === "end" ? "end" : "reset");
      }
    });

    test("tells of a reset once, and what came before it is there", async () => {
      const { user, peer } = await kind.open();
      await peer.send("before");
      await until(() => user.text === "before");
      peer.reset();
      await until(() => user.over);
      user.socket?.terminate();
      await settle();
      expect(user.heard.slice(kind.greeting.length)).toEqual(["data", "broken"]);
      expect(user.socket?.write(Buffer.from("x"))).toBe(-1);
    });

    test(`tells of a reset while it is paused: what it had not read is ${kind.restOfReset}`, async () => {
      const { user, peer } = await kind.open();
      await peer.send("begin");
      await until(() => user.text === "begin");
      user.socket?.pause();
      await peer.send("the rest");
      await until(() => peer.unacknowledged === 0);
      peer.reset();
      if (kind.restOfReset === "kept") {
        await settle();
        expect(user.text).toBe("begin");
        expect(user.over).toBe(false);
        user.socket?.resume();
      }
      await until(() => user.over);
      expect(user.text).toBe(kind.restOfReset === "lost" ? "begin" : "beginthe rest");
      expect(user.count("broken")).toBe(1);
      expect(user.heard).not.toContain("end");
    });

    test("tells at once of a reset while it is paused, if nobody wants the rest", async () => {
      const { user, peer } = await kind.open();
      user.wantsRest = false;
      user.socket?.pause();
      peer.reset();
      await until(() => user.over);
      expect(user.heard.slice(kind.greeting.length)).toEqual(["broken"]);
    });

    const when = kind.tellsEndAhead ? "at once, ahead of what it has not read" : "only when it reads again";
    test(`tells of a FIN while it is paused ${when}`, async () => {
      const { user, peer } = await kind.open();
      await peer.send("begin");
      await until(() => user.text === "begin");
      user.socket?.pause();
      peer.socket.end("the rest");
      if (kind.tellsEndAhead) await until(() => user.heard.includes("end ahead"));
      else await settle();
      expect(user.heard).not.toContain("end");
      expect(user.text).toBe("begin");
      user.socket?.resume();
      await until(() => user.heard.includes("end"));
      expect(user.text).toBe("beginthe rest");
      expect(user.over).toBe(false);
    });

    test("that the peer is gone shows in a write, and is told of", async () => {
      const { user, peer } = await kind.open();
      peer.reset();
      await until(() => (user.socket?.write(Buffer.from("x")) ?? 0) < 0);
      await until(() => user.over);
      expect(user.count("close") + user.count("broken")).toBe(1);
    });

    test("may be marked idle, and hears of everything all the same", async () => {
      const { user, peer } = await kind.open();
      if (user.socket) user.socket.idle = true;
      await peer.send("hello");
      await until(() => user.text === "hello");
      peer.finish();
      await until(() => user.heard.includes("end"));
    });

    test.each(["data", "end", "broken"])(
      "what a handler throws at %p is its user's to end, and counted",
      async (what) => {
        const { user, peer } = await kind.open();
        user.actions.set(what, () => {
          throw new Error("planned");
        });
        if (what === "data") await peer.send("x");
        else if (what === "end") peer.finish();
        else peer.reset();
        await until(() => user.heard.includes("internal error"));
        expect(kind.errors.splice(0).map(String)).toEqual(["Error: planned"]);
        expect(user.count("internal error")).toBe(1);
        // The others go on.
        await settle();
      },
    );

    test.if(process.platform === "linux")("leaves no descriptor behind, however it ends", async () => {
      await settle();
      const before = descriptors();
      for (const how of ["end", "terminate", "peer ends", "peer resets"]) {
        for (let i = 0; i < 5; i++) {
          const { user, peer } = await kind.open();
          if (how === "end") user.socket?.end();
          else if (how === "terminate") user.socket?.terminate();
          else if (how === "peer resets") {
            peer.reset();
            await until(() => user.over);
            user.socket?.terminate();
          } else {
            peer.finish();
            await until(() => user.heard.includes("end"));
            user.socket?.end();
          }
          await peer.end();
          peer.destroy();
        }
      }
      await until(() => descriptors() <= before);
    });
  });
}

function descriptors(): number {
  return readdirSync("/proc/self/fd").length;
}

function pattern(size: number): Buffer {
  const data = Buffer.allocUnsafe(size);
  for (let i = 0; i < size; i++) data[i] = (i * 31 + (i >>> 13)) & 255;
  return data;
}
