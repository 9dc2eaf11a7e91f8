/**
 * Visits one page with Chromium and prints, as JSON, what the page reports and what the network did. For Node.js.
 *   browser-visit.mjs <chromium> <profile directory> <url> [<SHA-256 of a public key to trust>]
 */
import { chromium } from "playwright-core";

const [executablePath, profile, url, publicKeyHash] = process.argv.slice(2);
const { hostname } = new URL(url);
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  args: [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // Nothing but the page's host can be reached.
    `--host-resolver-rules=MAP ${hostname} 127.0.0.1, MAP * ~NOTFOUND`,
    ...(publicKeyHash ? [`--ignore-certificate-errors-spki-list=${publicKeyHash}`] : []),
  ],
});
try {
  const page = await context.newPage();
  const visit = { statuses: {}, failed: [], errors: [], protocols: [], report: null };
  page.on("response", (response) => {
    const path = new URL(response.url()).pathname;
    visit.statuses[path] = response.status();
  });
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // The page itself closes its event stream.
    if (!request.url().endsWith("/live/events") || why !== "net::ERR_ABORTED") {
      visit.failed.push(`${request.url()}: ${why}`);
    }
  });
  page.on("pageerror", (error) => visit.errors.push(String(error)));
  page.on("console", (message) => message.type() === "error" && visit.errors.push(message.text()));
  await page.goto(url, { timeout: 60_000 });
  await page.waitForFunction(() => window.report, null, { timeout: 60_000 });
  visit.report = await page.evaluate(() => window.report);
  visit.protocols = await page.evaluate(() => [
    ...new Set(performance.getEntriesByType("resource").map(({ nextHopProtocol }) => nextHopProtocol)),
  ]);
  console.log(JSON.stringify(visit));
} finally {
  await context.close();
}
