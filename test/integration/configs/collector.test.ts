/**
 * The real OpenTelemetry Collector takes configs/otel/otel-collector.yml, with ports of the test's own: it is well, shows its own
 * metrics, and hands on what it gets. It is built where Go is at hand (`npm run build:collector`).
 */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { freePort } from "../../support/ports/free-port.ts";
import { Daemon } from "../../support/processes.ts";
import { startGrpcCollector } from "../../support/tracing/collectors.ts";
import { until } from "../../support/until.ts";

const ROOT = join(import.meta.dir, "../../..");
const PROGRAM = join(ROOT, "node_modules/.cache/otel-collector");
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

describe.skipIf(!existsSync(PROGRAM))("the real collector with the configuration that is shipped", () => {
  test("is well, shows its metrics, and hands on what it gets", async () => {
    const tempo = await startGrpcCollector();
    closing.push(() => tempo.stop());
    const [grpc, http, health, metrics] = [freePort(), freePort(), freePort(), freePort()];
    const config = parse(readFileSync(join(ROOT, "configs/otel/otel-collector.yml"), "utf8"));
    config.receivers.otlp.protocols.grpc.endpoint = `127.0.0.1:${grpc}`;
    config.receivers.otlp.protocols.http.endpoint = `127.0.0.1:${http}`;
    config.exporters["otlp_grpc/tempo"].endpoint = `127.0.0.1:${tempo.port}`;
    config.extensions.health_check.endpoint = `127.0.0.1:${health}`;
    Object.assign(config.service.telemetry.metrics.readers[0].pull.exporter.prometheus, {
      host: "127.0.0.1",
      port: metrics,
    });
    const daemon = new Daemon([PROGRAM, JSON.stringify(config)]);
    closing.push(() => daemon.stop());
    await daemon.says(({ stderr }) => stderr.includes("Everything is ready"));

    expect((await fetch(`http://127.0.0.1:${health}/`)).status).toBe(200);
    const sent = await fetch(`http://127.0.0.1:${http}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(ONE_SPAN),
    });
    expect(sent.status).toBe(200);
    const [span] = await until(() => (tempo.spans().length > 0 ? tempo.spans() : null));
    expect(span.name).toBe("GET");
    const own = await (await fetch(`http://127.0.0.1:${metrics}/metrics`)).text();
    expect(own).toMatch(/^otelcol_receiver_accepted_spans\S* 1$/m);
    expect(daemon.stderr).not.toMatch(/deprecat/i);
  });
});

const ONE_SPAN = {
  resourceSpans: [
    {
      resource: { attributes: [{ key: "service.name", value: { stringValue: "neurabalancer" } }] },
      scopeSpans: [
        {
          spans: [
            {
              traceId: "4bf92f3577b34da6a3ce929d0e0e4736",
              spanId: "00f067aa0ba902b7",
              name: "GET",
              kind: 2,
              startTimeUnixNano: "1796000000000000000",
              endTimeUnixNano: "1796000000100000000",
            },
          ],
        },
      ],
    },
  ],
};
