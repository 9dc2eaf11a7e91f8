/** What was agreed on by ALPN may be another's business than the one's who took the socket in. */
import { expect, test } from "bun:test";
import { until } from "../../../support/until.ts";
import { Wire } from "../../../support/wire.ts";
import { Recorder } from "./recorder.ts";
import { networkOf, tlsListening } from "./socket-kinds.ts";

test.each([1, 2] as const)(
  "who takes over at the handshake hears everything from there on (%d certificates)",
  async (count) => {
    const first = new Recorder();
    const second = new Recorder();
    first.successor = second;
    const listening = networkOf(false).network.listen("127.0.0.1", 0, tlsListening(count), (socket) => {
      first.socket = socket;
      second.socket = socket;
      return first;
    });
    const peer = await Wire.connectTls(listening.port, { servername: "shop.test", ALPNProtocols: ["test/1"] });
    try {
      await peer.send("hello");
      await until(() => second.text === "hello");
      peer.finish();
      await until(() => second.heard.includes("end"));
      expect(first.heard).toEqual(["handshake test/1"]);
    } finally {
      first.socket?.terminate();
      peer.destroy();
      listening.stop();
    }
  },
);
