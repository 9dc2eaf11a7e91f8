/** A server that is configured by its address: there is nothing to find out. */
import type { ServerSpec } from "../../../shared/server-spec.ts";
import type { DiscoveredServer } from "../discovered-server.ts";
import type { DiscoverySource } from "../source.ts";

/** The source of one address. */
export function staticSource(spec: ServerSpec): DiscoverySource {
  return new StaticSource(spec);
}

class StaticSource implements DiscoverySource {
  readonly degraded = false;
  #server: DiscoveredServer;

  constructor(spec: ServerSpec) {
    this.#server = serverOf(spec);
  }

  get spec(): ServerSpec {
    return this.#server.spec;
  }

  get servers(): readonly DiscoveredServer[] {
    return [this.#server];
  }

  refresh(): Promise<void> {
    return Promise.resolve();
  }

  tick(): void {}

  respecify(spec: ServerSpec): void {
    this.#server = serverOf(spec);
  }

  close(): void {}
}

function serverOf(spec: ServerSpec): DiscoveredServer {
  const { url, host, port, weight } = spec;
  return { spec, url, hostname: host, address: host, port, weight };
}
