/** Two server certificates of one authority, in files as the product reads them. */
import { X509Certificate } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAuthority } from "../../support/certificates.ts";

export interface CertificateFiles {
  readonly caFile: string;
  /** Settings of the product: both certificates, the first one by default. */
  readonly settings: { TLS_PORT: string; TLS_CERT_FILE: string; TLS_KEY_FILE: string };
  /** SHA-256 of the first one's public key in Base64, as Chromium wants it. */
  readonly publicKeyHash: string;
}

/** Makes a certificate for each of `names` in `directory`. */
export function makeCertificates(directory: string, names: readonly [string, string]): CertificateFiles {
  mkdirSync(directory, { recursive: true });
  const at = (file: string) => join(directory, file);
  const authority = createAuthority();
  writeFileSync(at("ca.pem"), authority.cert);
  const issued = names.map((name) => authority.issue(`DNS:${name}`));
  for (const [index, { cert, key }] of issued.entries()) {
    writeFileSync(at(`${names[index]}.pem`), cert);
    writeFileSync(at(`${names[index]}.key`), key);
  }
  const { publicKey } = new X509Certificate(issued[0].cert);
  return {
    caFile: at("ca.pem"),
    settings: {
      TLS_PORT: "0",
      TLS_CERT_FILE: names.map((name) => at(`${name}.pem`)).join(","),
      TLS_KEY_FILE: names.map((name) => at(`${name}.key`)).join(","),
    },
    publicKeyHash: new Bun.CryptoHasher("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("base64"),
  };
}
