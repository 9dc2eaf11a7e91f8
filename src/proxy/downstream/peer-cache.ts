/** Peers by address: a client's connections, and its next ones, share what was worked out about it. */
import { CertifiedPeer } from "../rewrite/certified-peer.ts";
import { Peer } from "../rewrite/request.ts";
import type { TrustedProxies } from "../rewrite/trusted-proxies.ts";
import type { RawSocket } from "../sockets/raw-socket.ts";
import type { Entrance } from "./entrance.ts";

/**
 * With more addresses than this the cache starts again: it saves work, and nothing hangs on it. A peer keeps no more than
 * `MAX_PEER_BYTES`, so all of them together at most 8 MB.
 */
const MAX_PEERS = 4096;

/** One worker's peers under one `TRUSTED_PROXIES`. */
export class PeerCache {
  readonly #trustedProxies: TrustedProxies;
  readonly #plain = new Map<string, Peer>();
  readonly #secure = new Map<string, Peer>();

  constructor(trustedProxies: TrustedProxies) {
    this.#trustedProxies = trustedProxies;
  }

  /** At the other end of `socket`. What servers are told of a certificate is its own: such a peer is no other connection's. */
  of(socket: RawSocket | null, { secure, asksCertificates }: Entrance): Peer {
    const address = socket?.remoteAddress ?? "";
    if (!asksCertificates) return this.get(address, secure);
    return new CertifiedPeer(address, this.#trustedProxies, socket?.clientCertificate ?? null);
  }

  /** The peer at `address`, over TLS or not. */
  get(address: string, secure: boolean): Peer {
    const peers = secure ? this.#secure : this.#plain;
    const known = peers.get(address);
    if (known !== undefined) return known;
    if (this.#plain.size + this.#secure.size >= MAX_PEERS) {
      this.#plain.clear();
      this.#secure.clear();
    }
    const peer = new Peer(address, secure, this.#trustedProxies);
    peers.set(address, peer);
    return peer;
  }
}
