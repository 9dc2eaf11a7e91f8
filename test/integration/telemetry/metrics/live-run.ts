/** A live run with something in every kind of metric: servers that answer, one that fails, traffic before it is scraped. */
import { ProductProcess, sumOfSamples } from "../../../support/product-process.ts";
import { until } from "../../../support/until.ts";

export type { ProductProcess } from "../../../support/product-process.ts";

/** How many requests a run has answered. */
export const REQUESTS = 60;
const ANSWERED = /^neurabalancer_http_requests_total\{.*path="\/\*"/;

/**
 * Starts the product before two servers of ours and sends it requests. `end()` ends all of it.
 * @param options.sampled traces are exported, of every request, to where nobody looks at them.
 */
export async function runProduct(options: { readonly sampled?: boolean } = {}): Promise<ProductProcess> {
  const servers = [200, 500].map((status) =>
    Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: ({ url }) => new Response("hello", { status: url.endsWith("/health") ? 200 : status }),
    }),
  );
  const sink = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(null, { status: 200 }) });
  const product = new (class extends ProductProcess {
    override async end(): Promise<void> {
      await super.end();
      await Promise.all([sink, ...servers].map((server) => server.stop(true)));
    }
  })({
    APP_HOST: "127.0.0.1",
    APP_PORT: "0",
    ADMIN_PORT: "auto",
    WORKERS: "2",
    SLOW_START_SECONDS: "0",
    SERVERS: servers.map(({ port }) => `http://127.0.0.1:${port}`).join(","),
    ...(options.sampled && {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${sink.port}`,
      OTEL_TRACES_SAMPLER: "always_on",
    }),
  });
  try {
    await product.started();
    await until(async () => (await get(product, "/health/ready")).status === 200);
    for (let i = 0; i < REQUESTS; i++) await (await get(product, "/")).text();
    // A worker counts a request after it has answered it.
    await until(async () => {
      const metrics = await (await get(product, "/metrics", { accept: "text/plain" })).text();
      return sumOfSamples(metrics, (line) => ANSWERED.test(line)) === REQUESTS;
    });
  } catch (error) {
    await product.end();
    throw error;
  }
  return product;
}

/** A request on a connection of its own, so that both workers get some. */
export function get(product: ProductProcess, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${product.port}${path}`, {
    keepalive: false,
    headers: { ...headers, connection: "close" },
  });
}
