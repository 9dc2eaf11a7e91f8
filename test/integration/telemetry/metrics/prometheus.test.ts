/** A real Prometheus scrapes a live run, in each format that it may ask for. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { hasPrometheus, Prometheus } from "../../../support/prometheus.ts";
import { type ProductProcess, runProduct } from "./live-run.ts";

describe.skipIf(!hasPrometheus)("a real Prometheus", () => {
  let product: ProductProcess;
  let prometheus: Prometheus;
  beforeAll(async () => {
    product = await runProduct();
    prometheus = await Prometheus.start({ jobs: { neurabalancer: [`127.0.0.1:${product.port}`] } });
  });
  afterAll(async () => {
    await prometheus?.stop();
    await product?.end();
  });

  test("scrapes it without an error", async () => {
    await prometheus.scraped();
    expect(await prometheus.number("up")).toBe(1);
    expect(await prometheus.number("sum(neurabalancer_http_requests_total{path='/*'})")).toBe(60);
    expect(prometheus.complaints).toEqual([]);
  });
});
