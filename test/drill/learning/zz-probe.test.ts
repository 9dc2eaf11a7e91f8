import { test } from "bun:test";
import { startBackend } from "../../../src/backend/server.ts";
import { seeded } from "../../support/networks.ts";
import { Load, Product, request } from "../fixture.ts";
test("probe", async () => {
  const random = seeded(7);
  const servers = Array.from({ length: 3 }, () => startBackend({ port: 0, knobs: { latency_ms: 45, latency_jitter: 0.7, concurrency: 3 }, random, nowMs: () => performance.now() }));
  const product = new Product({ SERVERS: servers.map(({ url }) => url).join(","), LB_STRATEGY: "least_connections", CONCURRENCY_LIMITS: "learned", LEARNING_SAMPLES: "off", WORKERS: "2" });
  try {
    await product.ready();
    const running = new Load(180, () => request(product.port));
    let sent = 0;
    for (let i = 0; i < 10; i++) {
      await Bun.sleep(2000);
      const p = (await (await product.admin("/api/v1/pools")).json()).pools[0];
      const s = (await (await product.admin("/api/v1/servers")).json()).map((x: any) => `${x.active_connections}/${x.concurrency_limit}`);
      console.log(running.sent - sent, JSON.stringify(p.queue), JSON.stringify(p.holding), s.join(" "), await product.metric('queue_wait_seconds_count'), await product.metric('held_sent'), servers.map((b) => b.stats().waiting).join(","));
      sent = running.sent;
    }
    console.log(JSON.stringify(await running.stop()).slice(0, 500));
  } finally { await product.end(); for (const b of servers) await b.stop(0); }
}, 100000);
