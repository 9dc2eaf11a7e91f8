/** A browser visits a page of nginx through the product: files, a POST, an event stream and a WebSocket. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { run, Scratch } from "../support/processes.ts";
import { type CertificateFiles, makeCertificates } from "./support/certificates.ts";
import { Product } from "./support/product.ts";
import { describeWith, pathOf } from "./support/programs.ts";
import { startLive, startNginx, type Upstream } from "./support/servers.ts";
import { SUB_RESOURCES, writeSite } from "./support/site.ts";

const HOST = "shop.example.test";

describeWith(["chromium", "node", "nginx", "openssl"], "browser", () => {
  const scratch = new Scratch();
  let certificates: CertificateFiles;
  let live: Upstream;
  let nginx: Upstream;
  let product: Product;

  beforeAll(async () => {
    writeSite(scratch.file("root"));
    certificates = makeCertificates(scratch.file("tls"), [HOST, "other.example.test"]);
    live = await startLive();
    nginx = await startNginx(scratch.file("root"), scratch, live);
    product = await Product.start([nginx.url], certificates.settings);
  });

  afterAll(async () => {
    await product?.stop();
    await nginx?.stop();
    await live?.stop();
    scratch.remove();
  });

  for (const scheme of ["http", "https"] as const) {
    test(`a page with ${SUB_RESOURCES} files and everything that it does, over ${scheme}`, async () => {
      const url = `${scheme}://${HOST}:${scheme === "http" ? product.port : product.tlsPort}/page/index.html`;
      const script = join(import.meta.dir, "support/browser-visit.mjs");
      const command = [pathOf("node"), script, pathOf("chromium"), scratch.file(`profile-${scheme}`), url];
      const trusted = scheme === "https" ? [certificates.publicKeyHash] : [];
      const { code, text, stderr } = await run([...command, ...trusted], { deadlineMs: 110_000 });
      if (code !== 0) throw new Error(`the visit ended with ${code}: ${stderr}`);
      const { statuses, failed, errors, protocols, report } = JSON.parse(text);

      expect(report.error).toBeUndefined();
      expect(failed).toEqual([]);
      expect(errors).toEqual([]);
      expect(protocols).toEqual([scheme === "http" ? "http/1.1" : "h2"]);
      expect(Object.values(statuses)).toEqual(Array(Object.keys(statuses).length).fill(200));
      expect(Object.keys(statuses).filter((path) => /\.(js|css|svg)$/.test(path))).toHaveLength(SUB_RESOURCES);

      const third = [...Array(SUB_RESOURCES / 3).keys()];
      expect(report.scripts).toEqual(third);
      expect(report.boxes).toEqual(third.map((i) => 100 + i));
      expect(report.pictures).toEqual(third.map((i) => 10 + i));
      expect(report.events).toEqual(third.slice(0, 5).map((i) => `event ${i}`));
      expect(report.echo).toEqual({ seen: [5, 100_000], code: 1000, wasClean: true });
      const host = new URL(url).host;
      expect(report.post).toBe(`POST /echo?from=page HTTP/1.1 host=${host} body=posted by a browser`);
    });
  }

  test("nothing of it made the product complain", () => {
    expect(product.complaints()).toEqual([]);
  });
});
