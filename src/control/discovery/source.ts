/**
 * What discovery and its sources have of each other. There is one source for each configured server; what they are (fixed
 * addresses, names, SRV records, services of Kubernetes) is in sources/, one file for each, and registered in sources/registry.ts.
 */

import type { ServerSpec } from "../../shared/server-spec.ts";
import type { ControlLog } from "../log.ts";
import type { DiscoveredServer } from "./discovered-server.ts";
import type { LoopbackChooser } from "./dns/loopback.ts";
import type { Resolver } from "./dns/resolver.ts";
import type { KubernetesPlace } from "./kubernetes/place.ts";

/** How often names are resolved. */
export interface DnsOptions {
  /** Bounds on times to live. */
  readonly minTtlMs: number;
  readonly maxTtlMs: number;
}

/** Where this instance is, for sources that ask others than name servers. */
export interface Surroundings {
  readonly kubernetes: KubernetesPlace;
  /** Its zone; `null` = not said. */
  readonly zone: string | null;
}

/** Keeps up to date which addresses one configured server stands for. */
export interface DiscoverySource {
  readonly spec: ServerSpec;
  /** What is known: the last word, where there is no newer one. */
  readonly servers: readonly DiscoveredServer[];
  /** What is known is older than it should be, or missing. */
  readonly degraded: boolean;
  /** Finds out now, or joins those who ask already. Resolves when that has come to an end, well or not; never rejects. */
  refresh(): Promise<void>;
  /** Does what is due by the source's own clock. */
  tick(nowMs: number): void;
  /** The same server with other numbers: `spec` has the URL it had. */
  respecify(spec: ServerSpec): void;
  /** It is needed no more, and reports nothing from here on. */
  close(): void;
}

/** What a source works with. */
export interface SourceContext {
  readonly resolver: Resolver;
  readonly chooseLoopback: LoopbackChooser;
  readonly log: ControlLog;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** As they are configured now. */
  readonly dns: () => DnsOptions;
  readonly surroundings: () => Surroundings;
  /** Answers received or failed, and failures; sources count them up. */
  readonly counts: { resolutions: number; failures: number };
  /** Something was learned: `servers` may have changed. */
  readonly onSettled: () => void;
}

/** Makes the source of one configured server. It asks nothing by itself before the first `refresh` or `tick`. */
export type SourceFactory = (spec: ServerSpec, context: SourceContext) => DiscoverySource;
