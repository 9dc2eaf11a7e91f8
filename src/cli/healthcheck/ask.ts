/** One question: is it healthy? By `node:http`, which goes nowhere but there: `fetch` would ask a proxy of the environment. */
import { request as requestPlain } from "node:http";
import { request as requestSecure } from "node:https";

/** Of what is said beside the status. */
const MAX_CHARS = 200;

/**
 * `null` = it answered with 2xx in time; else a sentence about what it did instead. Certificates are not verified at `own`
 * addresses: what is asked is whether it answers, and nothing is told it.
 */
export function unhealthiness(url: URL, timeoutMs: number, own: boolean): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  /** What has come of an answer other than 2xx, as a sentence; a body need not end. */
  let told: (() => void) | null = null;
  const where = withoutPassword(url);
  const request = url.protocol === "https:" ? requestSecure : requestPlain;
  const asked = request(url, { agent: false, ...(own ? { rejectUnauthorized: false } : {}) }, (response) => {
    const { statusCode = 0 } = response;
    if (statusCode >= 200 && statusCode < 300) {
      resolve(null);
      return;
    }
    let text = "";
    const say = () => {
      resolve(`${where} answers ${statusCode}${text === "" ? "" : `: ${text.slice(0, MAX_CHARS).trim()}`}`);
    };
    told = say;
    response.setEncoding("utf8");
    response.on("data", (piece: string) => {
      text += piece;
      if (text.length >= MAX_CHARS) say();
    });
    response.on("end", say);
    response.on("error", say);
  });
  asked.on("upgrade", ({ statusCode }) => resolve(`${where} answers ${statusCode}: it wants another protocol`));
  asked.on("error", (error: Error & { readonly code?: string }) => resolve(`${where}: ${reasonOf(error)}`));
  const timer = setTimeout(() => {
    told?.();
    resolve(`${where} did not answer within ${timeoutMs / 1000} s`);
  }, timeoutMs);
  asked.end();
  return promise.finally(() => {
    clearTimeout(timer);
    asked.destroy();
  });
}

/** What is said ends up in logs. */
function withoutPassword(url: URL): string {
  const shown = new URL(url);
  if (shown.password !== "") shown.password = "***";
  return shown.href;
}

/** The runtime's own sentence for a refused connection is about the computer's network. */
function reasonOf({ code, message }: Error & { readonly code?: string }): string {
  return code === "ConnectionRefused" || code === "ECONNREFUSED" ? "connection refused" : message || String(code);
}
