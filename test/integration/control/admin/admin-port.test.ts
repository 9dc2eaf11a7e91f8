/** The admin port over raw sockets: requests that are odd, clients that are too many, gone or slow. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { policyOf } from "../../../../src/control/admin/access/policy.ts";
import { AdminApi } from "../../../../src/control/admin/api.ts";
import { MAX_ADMIN_CONNECTIONS } from "../../../../src/control/admin/doors/gate.ts";
import { type AdminListener, listenOnAdminPort } from "../../../../src/control/admin/doors/listener.ts";
import { MAX_DROPPED_BYTES } from "../../../../src/control/admin/input.ts";
import type { AdminControl } from "../../../../src/control/admin/routes/routes.ts";
import { singleValue, Wire } from "../../../support/wire.ts";
import { eventually } from "../fleet/fixtures.ts";
import { recordingLogger } from "../processes/fixture.ts";

const directory = mkdtempSync(join(tmpdir(), "nb-admin-port-"));
const LARGE = Buffer.alloc(8 * 1024 * 1024, "m");
const server = { id: 1 } as never;
const control = {
  fleet: { statuses: () => [server], server: () => server },
  prometheusEnabled: () => true,
  *metrics() {
    yield;
    return LARGE;
  },
  status: () => ({}),
  events: { note: () => {} },
  learning: { explain: async () => ({}) },
  support: { asks: () => {} },
  wallMs: () => 0,
  nowMs: () => performance.now(),
} as unknown as AdminControl;
const { log, lines } = recordingLogger();
const OPEN = () => policyOf({ token: null, tokens: null, allowedHosts: null }, "127.0.0.1");
let listener: AdminListener;
beforeAll(async () => {
  const socketPath = join(directory, "port.sock");
  const api = new AdminApi(control, log);
  listener = await listenOnAdminPort(api, {
    host: "127.0.0.1",
    port: 0,
    policy: OPEN,
    socketPath,
    nowMs: () => performance.now(),
    wallMs: () => Date.now(),
  });
});
afterAll(async () => {
  await listener.stop();
  rmSync(directory, { recursive: true });
});

const connect = () => Wire.connect(listener.port);

/** The status of the response; 0 = closed without one. */
async function statusOf(request: string): Promise<number> {
  const wire = await connect();
  await wire.send(request);
  await wire.until(() => wire.ended !== null || wire.text.includes("\r\n\r\n"));
  const status = wire.unread === 0 ? 0 : Number(wire.text.split(" ")[1]);
  wire.destroy();
  return status;
}

describe("requests that are odd", () => {
  const host = "Host: localhost\r\n";
  test.each([
    ["HTTP/1.0 without Host", "GET /health/live HTTP/1.0\r\n\r\n", 200],
    ["HTTP/1.0 without Host, with a query", "GET /health/live?a=b HTTP/1.0\r\n\r\n", 200],
    ["HTTP/1.0 without Host at a path that is not there", "GET /nothing HTTP/1.0\r\n\r\n", 404],
    ["HTTP/1.1 without Host", "GET /health/live HTTP/1.1\r\n\r\n", 400],
    ["an absolute target", `GET http://localhost/health/live HTTP/1.1\r\n${host}\r\n`, 200],
    ["an address and port as Host", "GET /health/live HTTP/1.1\r\nHost: [::1]:8090\r\n\r\n", 200],
    ["a Host with a space", "GET /health/live HTTP/1.1\r\nHost: a b\r\n\r\n", 403],
    ["an empty Host", "GET /health/live HTTP/1.1\r\nHost:\r\n\r\n", 403],
    ["half an address as Host", "GET /health/live HTTP/1.1\r\nHost: [::\r\n\r\n", 403],
    ["a Host with a path", "GET /health/live HTTP/1.1\r\nHost: localhost/../x\r\n\r\n", 403],
    ["a Host with a user and an absurd port", "GET /health/live HTTP/1.1\r\nHost: x@y:99999\r\n\r\n", 403],
    ["two Hosts", `GET /health/live HTTP/1.1\r\n${host}Host: evil.test\r\n\r\n`, 403],
    ["bytes beyond ASCII", `GET /\x80\xff HTTP/1.1\r\n${host}\r\n`, 404],
    ["a broken escape", `GET /api/v1/explain/%zz HTTP/1.1\r\n${host}\r\n`, 400],
    ["a path of slashes", `GET //health/live HTTP/1.1\r\n${host}\r\n`, 404],
    ["HEAD", `HEAD /health/live HTTP/1.1\r\n${host}\r\n`, 200],
    ["HEAD of what is made on demand", `HEAD /metrics HTTP/1.1\r\n${host}\r\n`, 200],
    ["OPTIONS", `OPTIONS /metrics HTTP/1.1\r\n${host}\r\n`, 405],
    ["TRACE", `TRACE /metrics HTTP/1.1\r\n${host}\r\n`, 405],
    ["DELETE", `DELETE /api/v1/status HTTP/1.1\r\n${host}\r\n`, 405],
    ["CONNECT", `CONNECT localhost:1 HTTP/1.1\r\n${host}\r\n`, 404],
    ["a huge header", `GET /health/live HTTP/1.1\r\n${host}X: ${"x".repeat(100_000)}\r\n\r\n`, 431],
    ["a huge target", `GET /${"x".repeat(100_000)} HTTP/1.1\r\n${host}\r\n`, 431],
    ["no HTTP at all", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400],
  ])("%s", async (_title, request, status) => {
    expect(await statusOf(request)).toBe(status);
  });

  test.each([
    ["what nothing is at", "POST /nothing", 404],
    ["a method that there is not", "PUT /metrics", 405],
    ["a change that is too large", "PATCH /api/v1/settings", 413],
  ])("a body is still sent when its refusal is clear, and the refusal arrives: %s", async (_title, start, status) => {
    for (const [bytes, times] of [
      [900 * 1024, 20],
      [MAX_DROPPED_BYTES, 3],
    ]) {
      const body = Buffer.alloc(bytes, "x");
      const fields = `${host}Content-Type: application/json\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n`;
      // Which of the two is faster is chance: each of many has to be told.
      for (let i = 0; i < times; i++) {
        const wire = await connect();
        await wire.send(`${start} HTTP/1.1\r\n${fields}`);
        await wire.pump(body);
        expect([bytes, (await wire.message()).status]).toEqual([bytes, status]);
        wire.destroy();
      }
    }
  });

  test("none of them is a bug in the log", () => {
    expect(lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("clients", () => {
  test("that are too many are refused at once, and welcome when others have gone", async () => {
    const held = await Promise.all(Array.from({ length: MAX_ADMIN_CONNECTIONS }, connect));
    let refused: Wire | undefined;
    await eventually(() => expect(held.every(({ ended }) => ended === null)).toBe(true));
    try {
      refused = await connect();
      await refused.send("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
      const answer = await refused.message();
      expect([answer.status, singleValue(answer, "retry-after")]).toEqual([503, "1"]);
      expect(JSON.parse(answer.body.toString())).toMatchObject({ code: "too_many_connections" });
    } finally {
      refused?.destroy();
      for (const wire of held) wire.destroy();
    }
    let status = 503;
    for (let i = 0; i < 500 && status === 503; i++) {
      await Bun.sleep(10); // until it has seen that they are gone
      status = await statusOf("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    expect(status).toBe(200);
  });

  test("of one address that take all places do not keep out those of another", async () => {
    const held = Array.from({ length: MAX_ADMIN_CONNECTIONS }, () =>
      createConnection({ host: "127.0.0.1", port: listener.port, localAddress: "127.0.0.2" }),
    );
    try {
      await Promise.all(
        held.map((socket) =>
          once(
            socket.on("error", () => {}),
            "connect",
          ),
        ),
      );
      for (const socket of held) socket.write("GET /health/live HTTP/1.1\r\nX-Never-Ends: ");
      expect(await statusOf("GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")).toBe(200);
    } finally {
      for (const socket of held) socket.destroy();
    }
  });

  test("that do not read hold up nobody, and a large answer comes whole", async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, connect));
    try {
      for (const wire of slow) {
        wire.socket.pause();
        await wire.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      }
      const wire = await connect();
      await wire.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
      expect((await wire.message()).body.equals(LARGE)).toBe(true);
      wire.destroy();
    } finally {
      for (const wire of slow) wire.destroy();
    }
  });

  test("that end their side are still answered", async () => {
    const wire = await connect();
    await wire.send("GET /api/v1/servers HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    wire.finish();
    expect((await wire.message()).body.toString()).toBe('[{"id":1}]');
    wire.destroy();
  });
});
