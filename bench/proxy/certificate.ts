/** A certificate for the TLS rows, made anew each time by the system's openssl (ECDSA P-256, as most sites have). */
import { join } from "node:path";

/** Writes a certificate and its key; null where there is no openssl. */
export function makeCertificate(directory: string): { certFile: string; keyFile: string } | null {
  if (Bun.which("openssl") === null) return null;
  const certFile = join(directory, "certificate.pem");
  const keyFile = join(directory, "key.pem");
  const { success } = Bun.spawnSync(
    [
      ..."openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2".split(" "),
      ...["-subj", "/CN=bench.example.com", "-keyout", keyFile, "-out", certFile],
    ],
    { stderr: "ignore" },
  );
  return success ? { certFile, keyFile } : null;
}
