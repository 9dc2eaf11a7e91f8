/**
 * Whoever watches a proxy: it asks for its metrics once a second, and takes the spans that it exports.
 * Arguments: the port for spans, and the proxy's.
 */
const [spansPort, proxyPort] = process.argv.slice(2).map(Number);
const SCRAPE_MS = 1000;
/** As Prometheus asks. */
const ACCEPT = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.4";

Bun.serve({
  hostname: "127.0.0.1",
  port: spansPort,
  async fetch(request) {
    await request.arrayBuffer();
    // An empty message: everything was taken.
    return new Response(new Uint8Array(0), { headers: { "content-type": "application/x-protobuf" } });
  },
});

async function scrape(): Promise<void> {
  try {
    await (await fetch(`http://127.0.0.1:${proxyPort}/metrics`, { headers: { accept: ACCEPT } })).arrayBuffer();
  } catch {
    // It is not there yet, or no more.
  }
}

setInterval(() => void scrape(), SCRAPE_MS);
process.on("disconnect", () => process.exit(0));
process.send?.({ type: "listening", ports: [spansPort] });
