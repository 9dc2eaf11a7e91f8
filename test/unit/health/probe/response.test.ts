import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ProbeReader, type ProbeReply, readUsage } from "../../../../src/health/probe/response.ts";

/** What is known after these packets, and after the end that may follow. */
function readPackets(packets: Iterable<Uint8Array>, ended: boolean, wantBody: boolean | string = true) {
  const reader = new ProbeReader(wantBody);
  let found: ProbeReply | string | undefined;
  for (const packet of packets) {
    found = reader.push(Buffer.from(packet));
    if (found !== undefined) return found;
  }
  return ended ? reader.end() : undefined;
}
const read = (text: string, ended = false) => readPackets([Buffer.from(text)], ended);

describe("answer to a probe", () => {
  test("with a length, in chunks, until close", () => {
    expect(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!")).toEqual({ status: 200, body: "hi" });
    expect(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\n\r\n")).toEqual({
      status: 200,
      body: "hi!",
    });
    expect(read("HTTP/1.0 200 OK\r\n\r\nhi")).toBeUndefined();
    expect(readPackets([Buffer.from("HTTP/1.0 200 OK\r\n\r\nhi")], false, false)).toEqual({ status: 200, body: "" });
    expect(read("HTTP/1.0 200 OK\r\n\r\nhi", true)).toEqual({ status: 200, body: "hi" });
  });

  test("with a text that it should have: read to there, to the end, or as far as it is looked at", () => {
    const look = (packets: readonly string[], ended = false) =>
      readPackets(
        packets.map((text) => Buffer.from(text)),
        ended,
        "well",
      );
    const endless = "HTTP/1.1 200 OK\r\n\r\n";
    expect(look([endless, "all is we", "ll and"])).toEqual({ status: 200, body: "all is well and" });
    expect(look([endless, "all is ill"])).toBeUndefined();
    expect(look([endless, "all is ill"], true)).toEqual({ status: 200, body: "all is ill" });
    expect(look(["HTTP/1.1 200 OK\r\nX: well\r\nContent-Length: 3\r\n\r\n", "ill"])).toEqual({
      status: 200,
      body: "ill",
    });
    const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    expect(look([chunked, "2\r\nwe\r\n2\r\nll\r\n", "0\r\n\r\n"])).toEqual({ status: 200, body: "well" });
    const large = "x".repeat(100_000);
    for (const start of [
      endless,
      "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
      `${chunked}2\r\nwe\r\n186A0\r\n`,
    ]) {
      const found = look([start, large]) as ProbeReply;
      expect(found.status).toBe(200);
      expect(found.body.length).toBeGreaterThan(60_000);
      expect(found.body).not.toContain("well");
    }
    expect(look([`${chunked}FFFFF\r\nwell`, large])).toMatchObject({
      status: 200,
      body: expect.stringContaining("wellx"),
    });
  });

  test("skips interim answers and takes an empty reason phrase", () => {
    expect(read("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 \r\n\r\n", true)).toEqual({ status: 503, body: "" });
    expect(read("HTTP/1.1 204\r\n\r\n", true)).toEqual({ status: 204, body: "" });
  });

  test("says what is wrong", () => {
    expect(read("SSH-2.0-OpenSSH\r\n\r\n")).toBe("answer is not HTTP/1.1");
    expect(read("HTTP/1.1 200 OK\r\nX: y", true)).toBe("closed before a complete answer");
  });

  test("a piece of an answer is never taken for a whole one", () => {
    const whole = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        const answer = read(whole.slice(0, length));
        if (typeof answer === "object") expect(answer.body).toBe("hello world");
        expect(typeof answer).not.toBe("string");
      }),
    );
  });

  test("never throws, whatever it is sent", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readPackets([bytes], true)));
  });

  const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n";
  const SIZED = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world";
  test.each([CHUNKED, SIZED])("is the same in whatever packets it comes", (whole) => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length), { maxLength: 20 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const packets = at.slice(1).map((end, i) => Buffer.from(whole.slice(at[i], end)));
        expect(readPackets(packets, false)).toEqual({ status: 200, body: "hello world" });
      }),
    );
    const bytes = [...whole].map((byte) => Buffer.from(byte));
    expect(readPackets(bytes, false)).toEqual({ status: 200, body: "hello world" });
  });

  test.each([
    ["a length that lies", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort", "closed before a complete answer"],
    ["an end in a chunk", CHUNKED.slice(0, -10), "closed before a complete answer"],
    ["no chunk", `${CHUNKED.slice(0, 48)}zz\r\nhello`, "answer has a malformed chunk"],
    ["a line without end before a chunk", CHUNKED.slice(0, 48) + "1".repeat(300), "answer has a malformed chunk"],
    ["an upgrade", "HTTP/1.1 101 Switching Protocols\r\n\r\n", "answered with a protocol upgrade"],
  ])("with %s is refused", (_title, text, reason) => {
    expect(read(text, true)).toBe(reason);
  });
});

describe("a hostile answer", () => {
  /** Counts the bytes that are searched or decoded while `work` runs. */
  function bytesLookedAt(work: () => void): number {
    const { indexOf, toString: decode } = Buffer.prototype;
    let bytes = 0;
    Buffer.prototype.indexOf = function (this: Buffer, value: never, from = 0) {
      bytes += this.length - from;
      return indexOf.call(this, value, from);
    } as typeof indexOf;
    Buffer.prototype.toString = function (this: Buffer, encoding?: BufferEncoding, start = 0, end = this.length) {
      bytes += end - start;
      return decode.call(this, encoding, start, end);
    };
    try {
      work();
    } finally {
      Object.assign(Buffer.prototype, { indexOf, toString: decode });
    }
    return bytes;
  }
  const drip = (text: string): Buffer[] => [...text].map((byte) => Buffer.from(byte));
  const HEAD = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  test("of thousands of interim heads ends with the ninth", () => {
    const interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let found: unknown;
    const bytes = bytesLookedAt(() => {
      found = readPackets([Buffer.from(interim.repeat(2000)), ...drip("HTTP/1.1 200 OK\r\n")], false);
    });
    expect(found).toBe("more than 8 interim answers");
    expect(bytes).toBeLessThan(10 * 60_000); // each head was looked for once, in one packet of 60 KB
    expect(readPackets([Buffer.from(`${interim.repeat(8)}HTTP/1.1 200 OK\r\n\r\n`)], true)).toEqual({
      status: 200,
      body: "",
    });
  });

  test.each([
    ["a head", `HTTP/1.1 200 OK\r\nX: ${"x".repeat(2000)}`],
    ["a body", `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${"x".repeat(2000)}`],
    ["chunks of one byte", HEAD + "1\r\nx\r\n".repeat(400)],
    ["one large chunk", `${HEAD}fff0\r\n${"x".repeat(2000)}`],
  ])("that drips %s byte by byte costs what its bytes cost, and ends after a thousand packets", (_title, text) => {
    let found: unknown;
    const bytes = bytesLookedAt(() => {
      found = readPackets(drip(text), false);
    });
    expect(found).toBe("answer in more than 1000 packets");
    expect(bytes).toBeLessThan(10_000); // a second look at everything with each byte would be 500,000
  });

  test.each([
    ["a head", ""],
    ["a body", "HTTP/1.1 200 OK\r\n\r\n"],
    ["a chunk", `${HEAD}fffff\r\n`],
  ])("with %s of megabytes is cut off at 64 KB", (_title, start) => {
    const packets = function* () {
      yield Buffer.from(start);
      for (;;) yield Buffer.alloc(4096, "x");
    };
    expect(readPackets(packets(), false)).toBe("answer larger than 64 KB");
  });
});

describe("usage", () => {
  test("reads percent, and takes anything else as unknown", () => {
    expect(readUsage('{"cpu_usage":12.5,"memory_usage":140}')).toEqual({ cpuPercent: 12.5, memoryPercent: 100 });
    expect(readUsage('{"cpu_usage":"12","memory_usage":-1}')).toEqual({
      cpuPercent: Number.NaN,
      memoryPercent: Number.NaN,
    });
    for (const text of ['{"cpu_usage":1e300,"memory_usage":{"x":1}}', '{"cpu_usage":1e999}']) {
      expect(readUsage(text)?.memoryPercent).toBeNaN();
      expect(readUsage(text)?.cpuPercent).toBeNaN();
    }
    for (const text of ["", "null", "[]", "{}", "# HELP up\nup 1"]) expect(readUsage(text)).toBeNull();
  });
});
