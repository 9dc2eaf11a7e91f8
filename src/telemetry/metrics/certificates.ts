/** Metrics of certificates that are got by ACME. Nothing while none are. */
import type { MetricGroup } from "./definition.ts";
import type { MetricsSource } from "./source.ts";

/** What becomes of tries. When certificates expire is among the instance's. */
export const certificateMetrics: MetricGroup<MetricsSource> = {
  title: "Certificates by ACME",
  metrics: [
    {
      name: "acme_renewals_total",
      type: "counter",
      help: "Tries to get a certificate by ACME, by result: `success`, `failure`.",
      labels: ["result"],
      collect: ({ acme }, emit) => {
        const { certificates, counts } = acme();
        if (certificates.length === 0) return;
        for (const [result, count] of Object.entries(counts)) emit(count, { result });
      },
    },
    {
      name: "acme_failures",
      type: "gauge",
      help: "Tries for the certificate of `name` that have failed in a row; 0 = the last one succeeded, or there was none. `GET /api/v1/certificates` says why.",
      labels: ["name"],
      collect: ({ acme }, emit) => {
        for (const { name, failures } of acme().certificates) emit(failures, { name });
      },
    },
    {
      name: "acme_next_try_timestamp_seconds",
      type: "gauge",
      help: "When the certificate of `name` is asked for next, seconds since the epoch; 0 = at once.",
      labels: ["name"],
      collect: ({ acme }, emit) => {
        for (const { name, nextTryAtMs } of acme().certificates) emit((nextTryAtMs ?? 0) / 1000, { name });
      },
    },
  ],
};
