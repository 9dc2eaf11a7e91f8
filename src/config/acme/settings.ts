/** The extract of the configuration that the process of ACME needs. */
import { join, resolve } from "node:path";
import type { AcmeSettings } from "../../protocol/acme.ts";
import type { Sections } from "../schema.ts";
import { type Findings, readAuthorities } from "../tls-files.ts";

/** What it is made from. */
export type AcmeSections = Pick<Sections, "acme" | "storage">;

/** Where all that ACME gives and needs is kept; absolute. */
export function acmeDirectory({ acme, storage }: AcmeSections): string {
  return resolve(acme.directory ?? join(storage.dataDir, "acme"));
}

/** @returns `null` = no certificates are asked for. Of a file that cannot be used `findings` are told. */
export function readAcmeSettings(sections: AcmeSections, findings: Findings): AcmeSettings | null {
  const { domains, directoryUrl, email, challenge, keyType, caFile, externalKeyId, externalHmacKey } = sections.acme;
  if (domains === null) return null;
  return Object.freeze({
    domains,
    directoryUrl,
    email,
    challenge,
    keyType,
    caPem: caFile === null ? null : readAuthorities(caFile, findings, "ACME_CA_FILE"),
    externalAccount:
      externalKeyId !== null && externalHmacKey !== null ? { keyId: externalKeyId, hmacKey: externalHmacKey } : null,
    directory: acmeDirectory(sections),
  });
}
