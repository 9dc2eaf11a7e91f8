/**
 * Servers that speak HTTP/2 in clear and nothing else: one nginx with several ports. What comes in another version gets no
 * good response, so a proxy that asks in HTTP/1.1 fails its run instead of being compared. Requests are counted by the log.
 */
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startServer, stopProcess } from "../common/children.ts";
import { freePort, nginxCommand, nginxPreamble } from "../common/programs.ts";
import { PATTERN } from "../load/pattern.ts";
import { PATHS } from "../load/requests.ts";

/** A line of the log: a status and a line feed. */
const LINE_BYTES = 4;
/** Its lines leave the memory of nginx after so long. */
const LOG_FLUSH_MS = 100;
const POLL_MS = 20;

/** The whole configuration file. @param readyPort speaks HTTP/1.1, for whoever waits until there are servers. */
export function http2ServersConfig(directory: string, ports: readonly number[], readyPort: number): string {
  const body = join(directory, "body");
  return `${nginxPreamble(directory, 1)}
  log_format counted '$status';
  access_log off;
  server {
    listen 127.0.0.1:${readyPort};
    return 200;
  }
  server {
    ${ports.map((port) => `listen 127.0.0.1:${port} http2 backlog=4096;`).join("\n    ")}
    keepalive_requests 1000000000;
    keepalive_timeout 600s;
    http2_max_concurrent_streams 256;
    default_type text/plain;
    if ($server_protocol != HTTP/2.0) { return 505; }
    location = /small {
      access_log ${join(directory, "counts")} counted buffer=32k flush=${LOG_FLUSH_MS}ms;
      alias ${body};
      open_file_cache max=4;
    }
    location = /health { return 200; }
    location = /echo { return 200; }
  }
}
`;
}

export class Http2Servers {
  readonly ports: readonly number[];
  readonly #child: Bun.Subprocess;
  readonly #counts: string;
  readonly #now: () => number;

  private constructor(ports: readonly number[], child: Bun.Subprocess, counts: string, now: () => number) {
    this.ports = ports;
    this.#child = child;
    this.#counts = counts;
    this.#now = now;
  }

  /** Starts them on so many ports. @param prefix goes before the command, such as `taskset -c 0`. */
  static async start(
    directory: string,
    count: number,
    prefix: readonly string[],
    now: () => number,
  ): Promise<Http2Servers> {
    const own = join(directory, "http2-servers");
    mkdirSync(join(own, "temporary"), { recursive: true });
    const ports = Array.from({ length: count }, freePort);
    const readyPort = freePort();
    const file = join(own, "nginx.conf");
    writeFileSync(join(own, "body"), PATTERN.subarray(0, PATHS["/small"].bodyBytes));
    writeFileSync(file, http2ServersConfig(own, ports, readyPort));
    const child = await startServer(
      {
        title: "the servers of HTTP/2",
        directory: own,
        command: [...prefix, ...nginxCommand(own, file)],
        env: {},
        logFile: join(own, "out.log"),
        readyUrl: `http://127.0.0.1:${readyPort}/`,
      },
      now,
    );
    return new Http2Servers(ports, child, join(own, "counts"), now);
  }

  /** Requests so far. Waits until the log has been quiet for longer than it may hold lines back. */
  async served(): Promise<number> {
    let bytes = statSync(this.#counts).size;
    let sinceMs = this.#now();
    while (this.#now() - sinceMs < 3 * LOG_FLUSH_MS) {
      await Bun.sleep(POLL_MS);
      const { size } = statSync(this.#counts);
      if (size === bytes) continue;
      bytes = size;
      sinceMs = this.#now();
    }
    return bytes / LINE_BYTES;
  }

  stop(): Promise<void> {
    return stopProcess(this.#child);
  }
}
