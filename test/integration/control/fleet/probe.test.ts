/** Probes against real sockets: what each kind of server looks like, and that nothing is left behind. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type ProbeRequest, probeTrust, startProbe } from "../../../../src/health/probe/probe.ts";
import { createAuthority } from "../../../support/certificates.ts";
import { startDeafServer } from "../../../support/deaf-server.ts";
import { freePort } from "../../../support/ports/free-port.ts";
import { closeAll, eventually, listen } from "./fixtures.ts";

const descriptors = () => readdirSync("/proc/self/fd").length;

function request(
  port: number,
  more: Partial<Omit<ProbeRequest, "target">> & { tls?: boolean; hostname?: string } = {},
) {
  const { tls = false, hostname = "localhost", ...rest } = more;
  const target = { address: "127.0.0.1", port, hostname, tls };
  const usual = {
    path: "/health",
    timeoutMs: 60_000,
    trust: undefined,
    version: "9.9.9",
    wantBody: false,
    accepts: false,
  };
  return { target, ...usual, ...rest };
}
type More = Parameters<typeof request>[1];

/** A server that says `text` to whoever speaks, and then closes or not. */
function saying(text: string, close = true): Server {
  return createServer((socket: Socket) => {
    socket.on("error", () => {});
    socket.on("data", () => (close ? socket.end(text) : socket.write(text)));
  });
}

describe.each([false, true])("over plain sockets, when the server accepted the last probe: %p", (accepts) => {
  const ask = (port: number, more: More = {}) => startProbe(request(port, { accepts, ...more })).result;

  test("sends a complete request and takes the status", async () => {
    let head = "";
    let closed = false;
    const seen: string[] = [];
    const server = createServer((socket) => {
      socket.on("close", () => {
        closed = true;
      });
      socket.on("end", () => seen.push("end"));
      socket.on("error", ({ message }) => seen.push(message));
      socket.on("data", (data) => {
        head += data;
        socket.write("HTTP/1.1 204 No Content\r\n\r\n"); // stays open: a probe closes by itself
      });
    });
    const port = await listen(server);
    expect(await ask(port, { path: "/up?x=1" })).toEqual({ kind: "response", status: 204, body: "" });
    expect(head).toBe(
      `GET /up?x=1 HTTP/1.1\r\nHost: localhost:${port}\r\nUser-Agent: neurabalancer-health/9.9.9\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
    );
    await eventually(() => expect(closed).toBe(true));
    expect(seen).toEqual(["end"]); // no reset: it would stand in the server's log with every check
    await closeAll(server);
  });

  test("Host and fields of the operator's own; one of the same name replaces ours", async () => {
    let head = "";
    const server = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", (data) => {
        head += data;
        socket.end("HTTP/1.1 204 No Content\r\n\r\n");
      });
    });
    const port = await listen(server);
    const headers = [
      { name: "X-Probe", value: "1" },
      { name: "user-agent", value: "mine" },
    ];
    await ask(port, { host: "app.example:81", headers });
    expect(head).toBe(
      "GET /health HTTP/1.1\r\nHost: app.example:81\r\nuser-agent: mine\r\nAccept: */*\r\nX-Probe: 1\r\nConnection: close\r\n\r\n",
    );
    await closeAll(server);
  });

  test("does not follow redirects, and a body without end is no trouble", async () => {
    const redirect = saying("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n");
    expect(await ask(await listen(redirect))).toMatchObject({ status: 302 });
    const endless = saying("HTTP/1.1 200 OK\r\n\r\nevent: x\r\n", false);
    expect(await ask(await listen(endless))).toMatchObject({ status: 200 });
    await closeAll(redirect, endless);
  });

  test("reads a body when asked to, within its bound", async () => {
    const small = saying("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    expect(await ask(await listen(small), { wantBody: true })).toEqual({ kind: "response", status: 200, body: "{}" });
    const large = saying(`HTTP/1.1 200 OK\r\n\r\n${"x".repeat(200_000)}`, false);
    const result = await ask(await listen(large), { wantBody: true });
    expect(result).toEqual({ kind: "error", cause: "response", reason: "answer larger than 64 KB" });
    await closeAll(small, large);
  });

  test("an answer that drips after thousands of interim heads is given up at once, one that drips for ever in time", async () => {
    const interim = saying("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(3200), false);
    expect(await ask(await listen(interim))).toEqual({
      kind: "error",
      cause: "response",
      reason: "more than 8 interim answers",
    });
    const dripping = createServer((socket) => {
      socket.setNoDelay(true);
      const timer = setInterval(() => socket.write("x"), 1);
      socket.on("close", () => clearInterval(timer));
      socket.on("error", () => {});
      socket.write("HTTP/1.1 200 OK\r\nX: ");
    });
    const result = await ask(await listen(dripping), { timeoutMs: 200 });
    expect(result).toEqual({ kind: "error", cause: "timeout", reason: "timeout after 200 ms" });
    await closeAll(interim, dripping);
  });

  test("names what went wrong", async () => {
    expect(await ask(freePort())).toEqual({ kind: "error", cause: "refused", reason: "connection refused" });
    const closing = saying("HTTP/1.1 200");
    expect(await ask(await listen(closing))).toEqual({
      kind: "error",
      cause: "closed",
      reason: "closed before a complete answer",
    });
    const resetting = createServer((socket) => {
      socket.on("error", () => {});
      socket.on("data", () => socket.resetAndDestroy());
    });
    expect(await ask(await listen(resetting))).toEqual({ kind: "error", cause: "closed", reason: "connection reset" });
    await closeAll(resetting);
    const silent = saying("", false);
    expect(await ask(await listen(silent), { timeoutMs: 100 })).toEqual({
      kind: "error",
      cause: "timeout",
      reason: "timeout after 100 ms",
    });
    await closeAll(closing, silent);
  });
});

describe("a server that does not accept", () => {
  test("costs no descriptor once the probe has given up", async () => {
    const deaf = await startDeafServer();
    const filler: Socket[] = [];
    try {
      // Fills the accept queue (512), so that the kernel leaves further connects hanging.
      let connected = 0;
      for (let i = 0; i < 600; i++) {
        const socket = connect(deaf.port, "127.0.0.1");
        socket.on("connect", () => connected++);
        socket.on("error", () => {});
        filler.push(socket);
      }
      await eventually(() => expect(connected).toBeGreaterThan(500));
      const before = descriptors();
      const probes = Array.from({ length: 20 }, () => startProbe(request(deaf.port, { timeoutMs: 300 })));
      const aborted = startProbe(request(deaf.port, { timeoutMs: 60_000 }));
      await eventually(() => expect(descriptors()).toBeGreaterThan(before)); // they are connecting
      aborted.abort();
      expect(await aborted.result).toEqual({ kind: "error", cause: "other", reason: "aborted" });
      for (const probe of probes)
        expect(await probe.result).toEqual({ kind: "error", cause: "timeout", reason: "timeout after 300 ms" });
      await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before));
    } finally {
      for (const socket of filler) socket.destroy();
      deaf.stop();
    }
  });

  test("is told apart from one that is gone, also after it has accepted", async () => {
    const port = freePort();
    expect(await startProbe(request(port, { accepts: true })).result).toEqual({
      kind: "error",
      cause: "refused",
      reason: "connection refused",
    });
    const running = startProbe(request(port, { accepts: true }));
    running.abort();
    expect(await running.result).toEqual({ kind: "error", cause: "other", reason: "aborted" });
  });
});

describe("over TLS", () => {
  const ask = (port: number, more: More = {}) => startProbe(request(port, { accepts: true, ...more })).result;
  const authority = createAuthority();
  const server = createTlsServer(authority.issue("DNS:api.test", "DNS:localhost", "IP:127.0.0.1"), (socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
  });
  server.on("tlsClientError", () => {});
  let port = 0;
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => void server.close());

  test("verifies against the name, or the address, and the extra authority", async () => {
    const trust = probeTrust(authority.cert);
    expect(await ask(port, { tls: true, hostname: "api.test", trust })).toMatchObject({ status: 200 });
    expect(await ask(port, { tls: true, hostname: "127.0.0.1", trust })).toMatchObject({ status: 200 });
    const wrongName = await ask(port, { tls: true, hostname: "evil.test", trust });
    expect(wrongName).toMatchObject({ kind: "error", cause: "tls", reason: expect.stringContaining("altnames") });
    expect(wrongName).not.toMatchObject({ reason: expect.stringContaining("UPSTREAM_CA_FILE") }); // no cure for that
  });

  test("says what mends a certificate that nobody vouches for", async () => {
    const untrusted = { kind: "error", cause: "tls", reason: expect.stringMatching(/certificate.*UPSTREAM_CA_FILE/) };
    expect(await ask(port, { tls: true, hostname: "api.test" })).toMatchObject(untrusted);
    const selfSigned = createTlsServer(authority, (socket) => socket.on("error", () => {}));
    selfSigned.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => selfSigned.listen(0, "127.0.0.1", resolve));
    const { port: selfSignedPort } = selfSigned.address() as AddressInfo;
    expect(await ask(selfSignedPort, { tls: true, hostname: "api.test" })).toMatchObject(untrusted);
    selfSigned.close();
  });

  test("a malformed authority is said at once", () => {
    expect(() => probeTrust("not a certificate")).toThrow();
  });
});
