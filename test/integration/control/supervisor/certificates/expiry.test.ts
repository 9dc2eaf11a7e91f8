import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { certificatesOf } from "../../../../../src/control/supervisor/certificates/expiry.ts";
import type { ProxySettings } from "../../../../../src/protocol/worker.ts";
import { createAuthority } from "../../../../support/certificates.ts";

const expiry = (pem: string) => Date.parse(new X509Certificate(pem).validTo) / 1000;

test("every certificate in use is told of once: of several for one name what expires first, of an authority what expires last", () => {
  const authority = createAuthority("shop authority");
  const renewed = createAuthority("shop authority");
  const other = createAuthority("other authority");
  const partners = createAuthority("partners");
  const shown = authority.issue("DNS:shop.example");
  const expired = authority.issueExpired("DNS:shop.example");
  const nameless = authority.issue("IP:127.0.0.1");
  const collector = other.issue("DNS:traces.example");
  const client = authority.issue("DNS:balancer.example");
  const pool = (upstreamCaPem: string, certPem: string | null) => ({
    upstreamCaPem,
    upstreamCertificate: certPem === null ? null : { certPem, keyPem: "" },
  });
  const settings = {
    tls: {
      certificates: [
        { certPem: shown.cert, names: ["shop.example"] },
        { certPem: expired.cert, names: ["shop.example"] },
        { certPem: nameless.cert + expired.cert, names: [] }, // a chain of which one link is over
      ],
    },
    clientTls: { caPem: partners.cert },
    pools: [
      pool(authority.cert + renewed.cert + other.cert, client.cert),
      pool(authority.cert, client.cert),
      pool("", null),
    ],
  } as unknown as ProxySettings;
  const traces = { caPem: other.cert, certificate: { certPem: collector.cert, keyPem: "" } };
  const found = certificatesOf(settings, traces);
  expect(Object.fromEntries(found.map(({ name, expiresAtSeconds }) => [name, expiresAtSeconds]))).toEqual({
    "shop.example": expiry(expired.cert),
    "certificate-2": expiry(expired.cert),
    "upstream balancer.example": expiry(client.cert),
    "collector traces.example": expiry(collector.cert),
    "authority shop authority": Math.max(expiry(authority.cert), expiry(renewed.cert)),
    "authority other authority": expiry(other.cert),
    "authority partners": expiry(partners.cert),
  });
  expect(found.length).toBe(7);
  expect(certificatesOf(settings, traces)).toBe(found); // read once
  expect(certificatesOf(settings, null).length).toBe(6);
});
