/** The files that the settings of traces name. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toTracerSettings } from "../../../src/config/tracer-settings.ts";
import { createSelfSigned } from "../../support/certificates.ts";
import { configOf } from "../../support/configuration.ts";

const settings = (env: Record<string, string>) => toTracerSettings(configOf(env), 0);

test("files of certificates are read, and host:port without a scheme is TLS unless it is insecure", () => {
  const directory = mkdtempSync(join(tmpdir(), "neurabalancer-tracing-"));
  const { cert, key } = createSelfSigned("DNS:collector.test");
  const [certFile, keyFile] = ["a.crt", "a.key"].map((name) => join(directory, name));
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key);
  for (const prefix of ["OTEL_EXPORTER_OTLP", "OTEL_EXPORTER_OTLP_TRACES"]) {
    const read = settings({
      OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector.test:4318",
      [`${prefix}_CERTIFICATE`]: certFile,
      [`${prefix}_CLIENT_CERTIFICATE`]: certFile,
      [`${prefix}_CLIENT_KEY`]: keyFile,
    });
    expect(read).toMatchObject({ caPem: cert, certificate: { certPem: cert, keyPem: key } });
    const bare = { OTEL_EXPORTER_OTLP_ENDPOINT: "c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(settings({ ...bare, [`${prefix}_INSECURE`]: "true" })?.endpoint).toBe("http://c:4317");
    expect(settings({ ...bare, [`${prefix}_INSECURE`]: "false" })?.endpoint).toBe("https://c:4317");
  }
  rmSync(directory, { recursive: true });
});
