/** All kinds of sockets keep one contract. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type RawSocket, TlsRefusal } from "../../../../src/proxy/sockets/raw-socket.ts";
import type { TlsListening } from "../../../../src/proxy/sockets/runtime/tls-listening.ts";
import { until } from "../../../support/until.ts";
import { Wire } from "../../../support/wire.ts";
import { Recorder } from "./recorder.ts";
import { socketContract } from "./socket-contract.ts";
import { accepted, authority, dialled, type Nature, networkOf, tlsListening } from "./socket-kinds.ts";

const OWN: Nature = { tellsEndAhead: true, restOfReset: "kept" };
/** It reports no FIN of a paused socket, and reads what is left when it is reset. */
const RUNTIME: Nature = { tellsEndAhead: false, restOfReset: "handed over" };
/** Its streams forget what they hold when they break. */
const BY_NAME: Nature = { tellsEndAhead: false, restOfReset: "lost" };

const onLinux = process.platform === "linux";
if (onLinux) {
  socketContract(accepted("our own", true, null, OWN));
  socketContract(dialled("our own", true, false, OWN));
}
socketContract(accepted("the runtime's", false, null, RUNTIME));
socketContract(dialled("the runtime's", false, false, RUNTIME));
socketContract(accepted("the runtime's with TLS", false, () => tlsListening(1), RUNTIME));
socketContract(dialled("the runtime's with TLS", false, true, RUNTIME));
socketContract(accepted("the runtime's with TLS by server name", false, () => tlsListening(2), BY_NAME));
socketContract(accepted("the runtime's with TLS while a CA may ask", false, () => whileAsked(), BY_NAME));

/** By server name behind the first bytes, which say that no CA asks. */
function whileAsked(): TlsListening {
  const listening = tlsListening(1);
  return { ...listening, challenges: listening.certificates };
}

const HOST = "127.0.0.1";

describe.each([true, false].filter((own) => onLinux || !own))("listening (our own sockets: %p)", (own) => {
  const kinds = own ? [null] : [null, 1, 2];
  test.each(kinds as (null | 1 | 2)[])(
    "resets whom nobody wants, and whom the user throws at (certificates: %p)",
    async (count) => {
      const { network, errors } = networkOf(own);
      let throwing = false;
      const refused: RawSocket[] = [];
      const listening = network.listen(HOST, 0, count && tlsListening(count), (socket) => {
        refused.push(socket);
        if (throwing) throw new Error("planned");
        return null;
      });
      for (throwing of [false, true]) {
        // By server name there is no socket before the handshake. Any of them may be reset while it still connects.
        const peer = count === 2 ? Wire.connectTls(listening.port) : Wire.connect(listening.port);
        expect(await peer.then((wire) => wire.end()).catch((error: { code: string }) => error.code)).toMatch(/reset/i);
        expect(refused.splice(0)).toHaveLength(1);
      }
      listening.stop();
      expect(errors.splice(0).map(String)).toEqual(["Error: planned"]);
    },
  );

  test("stops, and those who are connected stay", async () => {
    const { network } = networkOf(own);
    const users: Recorder[] = [];
    const listening = network.listen(HOST, 0, null, (socket) => {
      const user = new Recorder();
      user.socket = socket;
      users.push(user);
      return user;
    });
    const peer = await Wire.connect(listening.port);
    await until(() => users.length > 0);
    listening.stop();
    await expect(Wire.connect(listening.port)).rejects.toThrow();
    await peer.send("hello");
    await until(() => users[0].text === "hello");
    users[0].socket?.terminate();
  });
});

describe.each([true, false].filter((own) => onLinux || !own))("connecting (our own sockets: %p)", (own) => {
  const { network, errors } = networkOf(own);

  test("is refused with the reason, and not at once", async () => {
    const user = new Recorder();
    network.connect(HOST, 1, null, user);
    expect(user.heard).toEqual(own ? ["begun"] : []);
    await until(() => user.heard.includes("refused ECONNREFUSED"));
    expect(user.over).toBe(false);
  });

  test("throws nothing at whom it cannot understand", async () => {
    const user = new Recorder();
    network.connect("no.such.host.invalid", 1, null, user);
    await until(() => user.heard.some((what) => what.startsWith("refused")));
    expect(errors).toEqual([]);
  });

  test("ends with what the user throws at its news", async () => {
    const server = createServer().listen(0, HOST);
    await until(() => server.listening);
    const user = new Recorder();
    user.actions.set("opened", () => {
      throw new Error("planned");
    });
    network.connect(HOST, portOf(server), null, user);
    await until(() => user.heard.includes("internal error"));
    expect(errors.splice(0).map(String)).toEqual(["Error: planned"]);
    server.close();
  });
});

describe("connecting with TLS", () => {
  const { network, errors } = networkOf(false);
  let server: Server;
  beforeAll(async () => {
    const { server: certificate } = authority();
    server = createTlsServer(certificate, (socket) => socket.on("error", () => {})).listen(0, HOST);
    await until(() => server.listening);
  });
  afterAll(() => void server.close());
  const target = (hostname: string, ca = [authority().root.cert]) => ({
    hostname,
    serverName: hostname,
    ca,
    certificate: null,
    protocol: null,
  });

  test("is refused over a certificate of another, and of nobody's", async () => {
    for (const tls of [target("blog.test"), target("shop.test", [authority().server.cert])]) {
      const user = new Recorder();
      network.connect(HOST, portOf(server), tls, user);
      await until(() => user.heard.some((what) => what.startsWith("refused")));
      expect(user.heard).toEqual(["begun", `refused ${TlsRefusal.CERTIFICATE}`]);
      expect(user.socket?.write(Buffer.from("x"))).toBe(-1);
    }
  });

  test.each([
    ["speaks no TLS", (socket: Socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["goes away", (socket: Socket) => void socket.end()],
    ["breaks off", (socket: Socket) => void socket.resetAndDestroy()],
  ])("is refused over a server that %s", async (_, answer) => {
    const plain = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer(socket));
    }).listen(0, HOST);
    await until(() => plain.listening);
    const user = new Recorder();
    network.connect(HOST, portOf(plain), target("shop.test"), user);
    await until(() => user.heard.some((what) => what.startsWith("refused")));
    expect(user.heard).toEqual(["begun", `refused ${TlsRefusal.TLS}`]);
    plain.close();
  });

  test("can be given up once it has begun, and is never heard of again", async () => {
    const given = new Recorder();
    given.actions.set("begun", () => given.socket?.terminate());
    network.connect(HOST, portOf(server), target("shop.test"), given);
    const other = new Recorder();
    network.connect(HOST, portOf(server), target("shop.test"), other);
    await until(() => given.heard.length > 0 && other.heard.includes("opened"));
    other.socket?.terminate();
    expect(given.heard).toEqual(["begun"]);
    expect(errors).toEqual([]);
  });
});

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}
