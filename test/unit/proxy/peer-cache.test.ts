import { expect, test } from "bun:test";
import { PeerCache } from "../../../src/proxy/peer-cache.ts";
import { TrustedProxies } from "../../../src/proxy/trusted-proxies.ts";

test("one peer for an address, another one over TLS", () => {
  const peers = new PeerCache(new TrustedProxies(["10.0.0.0/8"]));
  const peer = peers.get("10.1.2.3", false);
  expect(peers.get("10.1.2.3", false)).toBe(peer);
  expect([peer.address, peer.secure, peer.trusted]).toEqual(["10.1.2.3", false, true]);
  const secure = peers.get("10.1.2.3", true);
  expect([secure.address, secure.secure]).toEqual(["10.1.2.3", true]);
  expect(peers.get("192.0.2.1", false).trusted).toBe(false);
});

test("many addresses are not kept for ever", () => {
  const peers = new PeerCache(new TrustedProxies([]));
  const first = peers.get("first", false);
  for (let i = 0; i < 5000; i++) peers.get(`192.0.2.${i}`, false);
  expect(peers.get("first", false)).not.toBe(first);
});
