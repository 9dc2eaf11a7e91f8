/** What a live instance answers on both of its ports, by what is asked for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { gunzipSync } from "node:zlib";
import { CONTENT_TYPES, FORMAT_NAMES, type FormatName } from "../../../../src/telemetry/metrics/formats/negotiation.ts";
import { eventually } from "../../../support/until.ts";
import { readFamilies } from "../../../unit/telemetry/metrics/formats/metric-families.ts";
import { read, series } from "../../../unit/telemetry/metrics/formats/readings.ts";
import { get, type ProductProcess, REQUESTS, runProduct } from "./live-run.ts";

const P = "neurabalancer_";
const LINES = { text: "text/plain", openmetrics: "application/openmetrics-text", protobuf: CONTENT_TYPES.protobuf };

/** One response as it came: the runtime's client would uncompress it. */
async function raw(port: number, lines: string): Promise<{ head: string; body: Buffer }> {
  const chunks: Buffer[] = [];
  const socket = connect({ port, host: "127.0.0.1" });
  socket.write(`${lines}\r\nHost: a\r\nConnection: close\r\n\r\n`);
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  const end = all.indexOf("\r\n\r\n");
  return { head: all.subarray(0, end).toString("latin1").toLowerCase(), body: all.subarray(end + 4) };
}

describe("a live instance", () => {
  let product: ProductProcess;
  beforeAll(async () => {
    product = await runProduct({ sampled: true });
  });
  afterAll(() => product?.end());

  const ask = async (port: string, format: FormatName): Promise<Response> => {
    const headers = { accept: LINES[format] };
    return port === "public" ? get(product, "/metrics", headers) : product.admin("/metrics", { headers });
  };

  test.each(FORMAT_NAMES.flatMap((format) => ["public", "admin"].map((port) => [format, port] as const)))(
    "answers as %s on its %s port",
    async (format, port) => {
      const response = await ask(port, format);
      expect(response.headers.get("content-type")).toBe(CONTENT_TYPES[format]);
      expect(response.headers.get("vary")).toBe("Accept, Accept-Encoding");
      expect(response.headers.get("cache-control")).toBe("no-store");
      const { values, types } = read(format, await response.bytes());
      expect(values.get(series(`${P}http_request_duration_seconds_count`, [{ name: "path", value: "/*" }]))).toBe(
        REQUESTS,
      );
      expect(types.get(`${P}server_response_duration_seconds`)).toBe("summary");
      expect(types.get(`${P}http_requests_total`)).toBe("counter");
      for (const reason of ["invalid", "duplicate"]) {
        expect(values.get(series(`${P}metrics_samples_refused_total`, [{ name: "reason", value: reason }]))).toBe(0);
      }
    },
  );

  test("compresses where it is asked to, and says nothing of a body's encoding where it is not", async () => {
    for (const [name, accept] of Object.entries(LINES)) {
      const request = `GET /metrics HTTP/1.1\r\nAccept: ${accept}`;
      const packed = await raw(product.port, `${request}\r\nAccept-Encoding: gzip, deflate`);
      expect(packed.head).toContain("content-encoding: gzip");
      expect(packed.head).toContain(`content-length: ${packed.body.length}`);
      expect(read(name as FormatName, gunzipSync(packed.body)).values.size).toBeGreaterThan(100);
      const plain = await raw(product.port, request);
      expect(plain.head).not.toContain("content-encoding");
      expect(plain.body.length).toBeGreaterThan(2 * packed.body.length);
    }
    const head = await raw(product.port, "HEAD /metrics HTTP/1.1\r\nAccept-Encoding: gzip");
    expect(head.head).toContain("content-encoding: gzip");
    expect(head.body.length).toBe(0);
  });

  test("scrapes of different formats at the same time each get their own", async () => {
    const wanted = Array.from({ length: 30 }, (_, i) => FORMAT_NAMES[i % FORMAT_NAMES.length]);
    const types = wanted.map(async (format) => (await ask("public", format)).headers.get("content-type"));
    expect(await Promise.all(types)).toEqual(wanted.map((format) => CONTENT_TYPES[format]));
  });

  test("has native buckets that hold as many requests as the classic ones, and exemplars of traced requests", async () => {
    await eventually(async () => {
      const families = readFamilies(await (await ask("public", "protobuf")).bytes());
      const metrics = families.find(({ name }) => name === `${P}http_request_duration_seconds`)?.metric ?? [];
      const histogram = metrics.find(({ label }) => label.some(({ value }) => value === "/*"))?.histogram;
      expect(histogram?.schema).toBe(3);
      expect(Number(histogram?.sampleCount)).toBe(REQUESTS);
      expect(Number(histogram?.bucket.at(-1)?.cumulativeCount)).toBe(REQUESTS);
      const exemplars = histogram?.bucket.flatMap(({ exemplar }) => exemplar ?? []) ?? [];
      expect(exemplars.length).toBeGreaterThan(0);
      expect(exemplars[0].label[0]).toMatchObject({ name: "trace_id", value: expect.stringMatching(/^[0-9a-f]{32}$/) });
    });
    const open = read("openmetrics", await (await ask("public", "openmetrics")).bytes());
    expect([...open.exemplars.keys()].some((key) => key.startsWith(`${P}http_request_duration_seconds_bucket{`))).toBe(
      true,
    );
  });
});
