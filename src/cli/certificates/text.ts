/** Certificates for people. */
import { columns } from "../columns.ts";

/** One, as the admin API shows it. */
export interface ShownCertificate {
  readonly name: string;
  readonly expires_at: string | null;
  readonly source: string;
  readonly acme: {
    readonly state: string;
    readonly challenge: string;
    readonly next_try_at: string | null;
    readonly failures: number;
    readonly last_error: { readonly at: string; readonly message: string } | null;
  } | null;
}

/** A row for each; what went wrong stands below. */
export function certificateTable(certificates: readonly ShownCertificate[]): string {
  if (certificates.length === 0) return "There are no certificates: see TLS_CERT_FILE and ACME_DOMAINS.";
  const rows = certificates.map(({ name, expires_at, source, acme }) => [
    name,
    dateOf(expires_at) ?? "none yet",
    source,
    acme?.state ?? "",
    acme === null ? "" : (dateOf(acme.next_try_at) ?? "now"),
  ]);
  const table = columns([["NAME", "EXPIRES", "SOURCE", "STATE", "NEXT TRY"], ...rows]);
  const errors = certificates.flatMap(({ name, acme }) => {
    if (!acme?.last_error) return [];
    const tries = acme.failures === 1 ? "1 try" : `${acme.failures} tries`;
    return [`${name}: ${tries} failed, the last one at ${dateOf(acme.last_error.at)}: ${acme.last_error.message}`];
  });
  return [table, ...errors].join("\n");
}

function dateOf(time: string | null): string | null {
  return time === null ? null : time.replace("T", " ").replace(/\.\d+Z$/, " UTC");
}
