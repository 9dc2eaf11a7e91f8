/** Brings the access log to Loki, with the labels, times and structured metadata of configs/alloy/config.alloy: it stands for Alloy. */
import { readFileSync } from "node:fs";

const LABELS = { service: "load-balancer", log: "access" };
const METADATA = ["request_id", "trace_id", "span_id"];

/** Remembers what it has brought. */
export class LogShipper {
  readonly #file: string;
  readonly #url: string;
  #from = 0;

  /** @param url of Loki. */
  constructor(file: string, url: string) {
    this.#file = file;
    this.#url = url;
  }

  /** Brings the lines that came since. Throws an `Error` with what Loki says where it does not take them. */
  async ship(): Promise<void> {
    const bytes = readFileSync(this.#file).subarray(this.#from);
    const whole = bytes.subarray(0, bytes.lastIndexOf("\n") + 1);
    if (whole.length === 0) return;
    const values = whole.toString().trimEnd().split("\n").map(entryOf);
    const response = await fetch(`${this.#url}/loki/api/v1/push`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ streams: [{ stream: LABELS, values }] }),
    });
    if (!response.ok) throw new Error(`Loki does not take the log: ${response.status} ${await response.text()}`);
    this.#from += whole.length;
  }
}

/** A line, as Loki takes it: nanoseconds since the epoch, the line, and what finds it. */
function entryOf(line: string): [string, string, Record<string, string>] {
  const fields = JSON.parse(line) as Record<string, unknown>;
  const metadata = METADATA.flatMap((name) => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? [[name, value] as const] : [];
  });
  return [`${BigInt(Date.parse(String(fields.ts))) * 1_000_000n}`, line, Object.fromEntries(metadata)];
}
