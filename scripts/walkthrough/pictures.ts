/** Pages as a person sees them. */
import { type Browser, chromium, type Page } from "playwright-core";

const SIZE = { width: 1280, height: 800 };
const DEADLINE_MS = 60_000;

/** Chromium, which reaches this machine alone. @param program its path. */
export function startBrowser(program: string): Promise<Browser> {
  return chromium.launch({
    executablePath: program,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ],
  });
}

/**
 * Opens a page, signs in where it asks, and waits until it shows all of `sees`. Throws an `Error` with the text that it does not show.
 * @returns a picture of it, as PNG.
 */
export async function takePicture(
  browser: Browser,
  url: string,
  sees: readonly string[],
  token: string,
): Promise<Uint8Array> {
  const context = await browser.newContext({ viewport: SIZE, reducedMotion: "reduce", colorScheme: "light" });
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(DEADLINE_MS);
    await page.goto(url);
    await signIn(page, token);
    for (const text of sees) {
      const isThere = page.getByText(text).first().waitFor();
      await isThere.catch(() => Promise.reject(new Error(`the page does not show "${text}"`)));
    }
    // What has just come may still be painted.
    await page.waitForLoadState("networkidle", { timeout: 2_000 }).catch(() => {});
    return await page.screenshot();
  } finally {
    await context.close();
  }
}

/** Of the product's page alone: another one asks for nothing. */
async function signIn(page: Page, token: string): Promise<void> {
  const title = await page.title();
  if (!title.includes("NeuraBalancer")) return;
  const dialog = page.getByRole("dialog", { name: "Sign in" });
  await dialog.getByLabel("Token").fill(token);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.waitFor({ state: "hidden" });
}
