import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Channel } from "../../../../src/proxy/sockets/channel.ts";
import type { RawSocket } from "../../../../src/proxy/sockets/raw-socket.ts";
import { TimerWheel } from "../../../../src/proxy/sockets/timer-wheel.ts";

/** A socket that takes as many bytes at each write as it is told; -1 = the peer is gone. */
class FakeSocket implements RawSocket {
  readonly remoteAddress = "";
  readonly fd = -1;
  idle = false;
  written = "";
  calls: string[] = [];
  room: number[];

  constructor(...room: number[]) {
    this.room = room;
  }

  write(data: Uint8Array, offset = 0, length = data.length - offset): number {
    const room = this.room.shift() ?? length;
    if (room < 0) return -1;
    const taken = Math.min(room, length);
    this.written += Buffer.from(data.subarray(offset, offset + taken)).toString("latin1");
    return taken;
  }

  end = () => void this.calls.push("end");
  shutdown = () => void this.calls.push("shutdown");
  terminate = () => void this.calls.push("terminate");
  pause = () => void this.calls.push("pause");
  resume = () => void this.calls.push("resume");
  passTo = () => void this.calls.push("pass");
}

class TestChannel extends Channel {
  constructor(socket: RawSocket) {
    super(socket, new TimerWheel(0));
  }
  override onDeadline(): void {}
}

const bytes = (text: string) => Buffer.from(text, "latin1");

describe("Channel", () => {
  test("what is taken at once is not kept", () => {
    const socket = new FakeSocket();
    const channel = new TestChannel(socket);
    expect(channel.send(bytes("xhellox"), 1, 6, false)).toBe(true);
    expect([socket.written, channel.queuedBytes]).toEqual(["hello", 0]);
  });

  test("a large packet that was sent away is freed: at once, or when the last of it is taken", () => {
    const packet = () => Buffer.from(new Uint8Array(100_000).fill(120).buffer);
    const socket = new FakeSocket(100_000, 40_000, 50_000);
    const channel = new TestChannel(socket);
    const taken = packet();
    expect(channel.sendAway(taken, 0, taken.length)).toBe(true);
    expect(taken.length).toBe(0);
    const waiting = packet();
    channel.sendAway(waiting, 0, 99_999);
    expect([waiting.length, channel.queuedBytes]).toEqual([100_000, 59_999]);
    channel.flush();
    expect([waiting.length, channel.queuedBytes]).toEqual([100_000, 9_999]);
    channel.flush();
    expect([waiting.length, channel.queuedBytes]).toEqual([0, 0]);
    expect(socket.written).toBe("x".repeat(199_999));
  });

  test("what was copied to wait is freed when the last of it is taken", () => {
    const seen: Uint8Array[] = [];
    const socket = new FakeSocket(40_000, 30_000);
    const { write } = socket;
    socket.write = (data, offset, length) => {
      seen.push(data);
      return write.call(socket, data, offset, length);
    };
    const channel = new TestChannel(socket);
    const lent = new Uint8Array(100_000).fill(120);
    channel.send(lent, 0, lent.length, false);
    expect(channel.flush()).toBe(true);
    const copy = seen[1];
    expect(copy.length).toBe(60_000);
    expect(channel.flush()).toBe(true);
    expect([copy.length, lent.length, socket.written.length]).toEqual([0, 100_000, 100_000]);
  });

  test("memory that others may look at is not freed by sending a part of it away, and small packets are not", () => {
    const channel = new TestChannel(new FakeSocket());
    const shared = Buffer.from(new Uint8Array(100_000).buffer);
    channel.sendAway(shared.subarray(10), 0, 99_990);
    const small = Buffer.from(new Uint8Array(1000).buffer);
    channel.sendAway(small, 0, 1000);
    const kept = Buffer.from(new Uint8Array(100_000).buffer);
    channel.send(kept, 0, kept.length, true);
    expect([shared.length, small.length, kept.length]).toEqual([100_000, 1000, 100_000]);
  });

  test("the rest waits, in order, and borrowed memory is copied", () => {
    const socket = new FakeSocket(2, 0, 3);
    const channel = new TestChannel(socket);
    const borrowed = bytes("hello");
    channel.send(borrowed, 0, 5, false);
    borrowed.fill(0);
    channel.send(bytes(" world"), 0, 6, true);
    expect([socket.written, channel.queuedBytes]).toEqual(["he", 9]);
    channel.flush(); // nothing taken
    channel.flush(); // the rest of the first piece, and the second
    expect([socket.written, channel.queuedBytes]).toEqual(["hello world", 0]);
  });

  test("every byte arrives once and in order, however the socket takes them", () => {
    const piece = fc.tuple(fc.string({ maxLength: 20 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.integer({ min: 0, max: 15 })), (pieces, room) => {
        const socket = new FakeSocket(...room);
        const channel = new TestChannel(socket);
        let expected = "";
        for (const [text, flush] of pieces) {
          const data = Buffer.from(text);
          channel.send(data, 0, data.length, true);
          expected += data.toString("latin1");
          if (flush) channel.flush();
          expect(socket.written.length + channel.queuedBytes).toBe(expected.length);
        }
        while (channel.queuedBytes > 0) channel.flush();
        expect(socket.written).toBe(expected);
      }),
    );
  });

  test("-1 means gone, at the first write and at a flush", () => {
    const channel = new TestChannel(new FakeSocket(-1));
    expect(channel.send(bytes("x"), 0, 1, true)).toBe(false);
    expect(channel.gone).toBe(true);
    expect(channel.send(bytes("x"), 0, 1, true)).toBe(false);
    const later = new TestChannel(new FakeSocket(0, -1));
    expect(later.send(bytes("x"), 0, 1, true)).toBe(true);
    expect(later.flush()).toBe(false);
  });

  test("pausing and resuming happen once each", () => {
    const socket = new FakeSocket();
    const channel = new TestChannel(socket);
    channel.resumeReading();
    channel.pauseReading();
    channel.pauseReading();
    channel.resumeReading();
    channel.resumeReading();
    expect(socket.calls).toEqual(["pause", "resume"]);
  });

  test("a dropped queue is forgotten", () => {
    const socket = new FakeSocket(0);
    const channel = new TestChannel(socket);
    channel.send(bytes("lost"), 0, 4, true);
    channel.dropQueue();
    channel.send(bytes("kept"), 0, 4, true);
    expect([socket.written, channel.queuedBytes]).toEqual(["kept", 0]);
  });
});
