import { expect, test } from "bun:test";
import { PeerCache } from "../../../../src/proxy/downstream/peer-cache.ts";
import { MAX_PEER_BYTES } from "../../../../src/proxy/rewrite/request.ts";
import { TrustedProxies } from "../../../../src/proxy/rewrite/trusted-proxies.ts";

test("one peer for an address, another one over TLS", () => {
  const peers = new PeerCache(new TrustedProxies(["10.0.0.0/8"]));
  const peer = peers.get("10.1.2.3", false);
  expect(peers.get("10.1.2.3", false)).toBe(peer);
  expect([peer.address, peer.secure, peer.trusted]).toEqual(["10.1.2.3", false, true]);
  const secure = peers.get("10.1.2.3", true);
  expect([secure.address, secure.secure]).toEqual(["10.1.2.3", true]);
  expect(peers.get("192.0.2.1", false).trusted).toBe(false);
});

test("many addresses are not kept for ever, whether they use TLS or not", () => {
  const peers = new PeerCache(new TrustedProxies([]));
  const first = peers.get("first", false);
  for (let i = 0; i < 2500; i++) for (const secure of [false, true]) peers.get(`192.0.2.${i}`, secure);
  expect(peers.get("first", false)).not.toBe(first);
});

test("what is kept of a peer has a bound, however long the hosts are that it asks for", () => {
  const peer = new PeerCache(new TrustedProxies([])).get("192.0.2.1", false);
  const fields = (host: string) => peer.forwardingFields(Buffer.from(host), 0, host.length, 1);
  const name = `${"a".repeat(253)}:65535`;
  const kept = fields(name);
  expect(fields(name)).toBe(kept);
  expect(kept.length * 2).toBeLessThan(MAX_PEER_BYTES);
  const long = "a".repeat(30_000);
  const made = fields(long);
  expect(made.toString()).toContain(`X-Forwarded-Host: ${long}\r\n`);
  expect(fields(long)).not.toBe(made); // it was not kept
  expect(fields(name)).toBe(kept);
});
