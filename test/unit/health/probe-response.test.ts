import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readProbeAnswer, readUsage } from "../../../src/health/probe-response.ts";

const read = (text: string, ended = false) => readProbeAnswer(Buffer.from(text), ended);

describe("answer to a probe", () => {
  test("with a length, in chunks, until close", () => {
    expect(read("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi!")).toEqual({ status: 200, body: "hi" });
    expect(read("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\n\r\n")).toEqual({
      status: 200,
      body: "hi!",
    });
    expect(read("HTTP/1.0 200 OK\r\n\r\nhi")).toEqual({ status: 200, body: undefined });
    expect(read("HTTP/1.0 200 OK\r\n\r\nhi", true)).toEqual({ status: 200, body: "hi" });
  });

  test("skips interim answers and takes an empty reason phrase", () => {
    expect(read("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 \r\n\r\n")).toEqual({ status: 503, body: undefined });
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
        if (typeof answer === "object" && answer.body !== undefined) expect(answer.body).toBe("hello world");
        expect(typeof answer).not.toBe("string");
      }),
    );
  });

  test("never throws, whatever it is sent", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void readProbeAnswer(Buffer.from(bytes), true)),
    );
  });
});

describe("usage", () => {
  test("reads percent, and takes anything else as unknown", () => {
    expect(readUsage('{"cpu_usage":12.5,"memory_usage":140}')).toEqual({ cpuPercent: 12.5, memoryPercent: 100 });
    expect(readUsage('{"cpu_usage":"12","memory_usage":-1}')).toEqual({
      cpuPercent: Number.NaN,
      memoryPercent: Number.NaN,
    });
    for (const text of [
      '{"cpu_usage":1e300,"memory_usage":{"x":1}}',
      "",
      "null",
      "[]",
      "# HELP up\nup 1",
      '{"cpu_usage":1e999}',
    ]) {
      expect(readUsage(text).memoryPercent).toBeNaN();
    }
  });
});
