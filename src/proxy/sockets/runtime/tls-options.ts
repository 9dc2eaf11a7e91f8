/** What both of the runtime's listeners for TLS are told, each in its own words. */
import type { ClientTls } from "../../../protocol/worker.ts";

/** Suites, groups and certificates of clients: the same words for both. */
export function sharedOptions({ ciphers, curves, auth, caPem, crlPems }: ClientTls) {
  return {
    ciphers,
    ...(curves !== null && { ecdhCurve: curves }),
    ...(auth !== "off" && {
      requestCert: true,
      // With a request alone whoever shows none is let in; who shows a wrong one is refused by us.
      rejectUnauthorized: auth === "require",
      ca: caPem,
      ...(crlPems !== null && { crl: [...crlPems] }),
    }),
  };
}

/** As `Bun.listen` takes it: the number that TLS has for it. */
export const VERSION_NUMBERS = { "1.2": 0x0303, "1.3": 0x0304 } as const;
/** As node:tls takes it. */
export const VERSION_NAMES = { "1.2": "TLSv1.2", "1.3": "TLSv1.3" } as const;
