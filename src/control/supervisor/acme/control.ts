/** What the admin API may know and order of certificates. */
import type { RenewalAnswer } from "../../admin/routes/certificates.ts";
import type { ShownCertificate } from "../../processes/acme/description.ts";
import { type SupervisorView, shownCertificates } from "../status.ts";
import type { CertificateRenewal } from "./renewal.ts";

/** Between two tries of one name that somebody orders, milliseconds. */
const LEAST_MS = 60_000;

/** For the routes of `/api/v1/certificates`. */
export function certificatesControl(
  view: SupervisorView,
  renewal: CertificateRenewal,
): { list(): readonly ShownCertificate[]; renew(name: string): RenewalAnswer } {
  return {
    list: () => shownCertificates(view),
    renew: (asked) => {
      const name = asked.toLowerCase();
      const known = view.acme.certificates.find((one) => one.name === name);
      if (known === undefined) return { kind: "unknown" };
      if (known.state === "ordering") return { kind: "busy" };
      const leftMs = LEAST_MS - (view.clock.wallMs() - (known.lastError?.atMs ?? 0));
      if (leftMs > 0 && leftMs <= LEAST_MS) return { kind: "early", waitSeconds: Math.ceil(leftMs / 1000) };
      return renewal.renew(name) ? { kind: "taken" } : { kind: "away" };
    },
  };
}
