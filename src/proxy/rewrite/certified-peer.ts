/** The other end of a connection that was asked for a certificate: servers are told of it (RFC 9440). */
import type { ClientCertificate } from "../sockets/client-certificate.ts";
import { HeadEdits } from "./edits.ts";
import { Peer } from "./request.ts";
import type { TrustedProxies } from "./trusted-proxies.ts";

/** Nobody else says them, trusted or not (section 2.4): from strangers they are removed always. */
const OWN_FIELDS = new HeadEdits(0, [Buffer.from("client-cert"), Buffer.from("client-cert-chain")], Buffer.alloc(0));

/** One connection's. */
export class CertifiedPeer extends Peer {
  /** Null = it has shown none. */
  override readonly certificate: ClientCertificate | null;

  constructor(address: string, trustedProxies: TrustedProxies, certificate: ClientCertificate | null) {
    super(address, true, trustedProxies);
    this.certificate = certificate;
  }

  protected override get certificateLine(): string {
    return this.certificate?.line ?? "";
  }

  override get ownFields(): HeadEdits | null {
    return this.trusted ? OWN_FIELDS : null;
  }
}
