/** One address of a configured server: what traffic is balanced over. */
import type { ServerSpec } from "../../shared/server-spec.ts";

/** A server that was found, whoever told of it. */
export interface DiscoveredServer {
  readonly spec: ServerSpec;
  /** `http://…`, `https://…`, `h2://…` or `h2c://…`: as configured, or made of what the source tells (the target of an SRV record). */
  readonly url: string;
  /** For `Host`, TLS server name and certificate check; without a dot at its end. */
  readonly hostname: string;
  readonly address: string;
  /** The name means this machine in both families: the server is the same whichever of them it listens on. */
  readonly eitherLoopback?: boolean;
  readonly port: number;
  /** The configured weight, times the one that the source tells. */
  readonly weight: number;
  /** Where the source says that it runs; what is configured of it counts more. Not there = it does not say. */
  readonly zone?: string;
}

/** Where it runs; `null` = nobody says. */
export function zoneOf({ spec, zone }: Pick<DiscoveredServer, "spec" | "zone">): string | null {
  return spec.zone ?? zone ?? null;
}

/**
 * The same addresses under other settings. Weights that a source tells are relative to the configured one: scaled, not
 * asked for again.
 */
export function respecified(
  servers: readonly DiscoveredServer[],
  from: ServerSpec,
  to: ServerSpec,
): readonly DiscoveredServer[] {
  if (from === to) return servers;
  return servers.map((server) => ({ ...server, spec: to, weight: (server.weight * to.weight) / from.weight }));
}
