/**
 * What a socket did not take of a head stayed in the worker's scratch memory, because `Buffer.slice` does not copy: the
 * next request wrote over it, and the client got bytes of another one's answer.
 */
import { afterEach, expect, test } from "bun:test";
import { createAuthority } from "../support/certificates.ts";
import { Backend, cleanUp, get, ok, TestProxy } from "../support/proxy-harness.ts";
import { singleValue, Wire } from "../support/wire.ts";

afterEach(cleanUp);

const REQUESTS = 1200;

test.each(["plain", "TLS", "TLS with several certificates"])(
  "%s: heads that wait for a slow client stay their own",
  async (how) => {
    // Each response is one head of 20 KB that says to whom it belongs.
    const backend = await Backend.answering(({ startLine }) => {
      const name = startLine.split(" ")[1].slice(1);
      return ok("", `X-Owner: ${name}\r\nX-Padding: ${`${name}-`.repeat(20_000 / (name.length + 1))}\r\n`);
    });
    const { cert, key } = createAuthority().issue("DNS:a.test");
    const certificate = { certPem: cert, keyPem: key, names: [] };
    const certificates = how === "TLS" ? [certificate] : [certificate, certificate];
    const proxy = new TestProxy([backend], { settings: { tls: how === "plain" ? null : { port: 0, certificates } } });
    const slow = how === "plain" ? await proxy.connect() : await Wire.connectTls(proxy.tlsPort);
    slow.socket.pause();
    const sent = slow.pump(Buffer.from(Array.from({ length: REQUESTS }, (_, i) => get(`/slow${i}`)).join("")));
    const other = await proxy.connect();
    const useScratch = async () => {
      for (let i = 0; i < 40; i++) {
        await other.send(get(`/other${i}`));
        await other.message();
        if (i % 10 === 0) await Bun.sleep(20);
      }
    };
    await useScratch(); // the slow client's socket is full by now
    slow.socket.resume();
    for (let i = 0; i < REQUESTS; i++) {
      const answer = await slow.message();
      expect(singleValue(answer, "x-owner")).toBe(`slow${i}`);
      expect(singleValue(answer, "x-padding")?.replaceAll(`slow${i}-`, "")).toBe("");
    }
    await sent;
    slow.destroy();
  },
);
