/** What an instance has beside its fleets, workers and processes: each part lives as long as the instance. */
import { placeByName } from "../../balancing/subset.ts";
import type { Logger } from "../../telemetry/log/logger.ts";
import { Canaries } from "../canary/canaries.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { ownFigures } from "../cluster/own-figures.ts";
import { OwnNumbers } from "../cluster/own-numbers.ts";
import { PeersInTable } from "../cluster/peers-in-table.ts";
import { Places } from "../cluster/places.ts";
import { Verdicts } from "../cluster/verdicts.ts";
import { PageFiles } from "../dashboard/page-files.ts";
import { ExplainPart } from "../explain/part.ts";
import { Live } from "../live/live.ts";
import { SupportBundle } from "../support/support-bundle.ts";
import { CertificateRenewal } from "./acme/renewal.ts";
import { explainOptionsOf } from "./explain-options.ts";
import { instanceNameOf } from "./instance/cluster-options.ts";
import { LogRotation } from "./log-rotation.ts";
import type { Operating } from "./operating/operating.ts";
import type { SupervisorView } from "./status.ts";
import { canariesOptionsOf } from "./views/canaries.ts";
import { liveViewOf } from "./views/live.ts";
import { supportOptions } from "./views/support.ts";

/** The parts by name, for the admin API and whoever else asks them. */
export interface InstanceParts {
  readonly operating: Operating;
  readonly cluster: Cluster;
  readonly canaries: Canaries;
  readonly live: Live;
  readonly renewal: CertificateRenewal;
  readonly page: PageFiles;
  readonly explain: ExplainPart;
  readonly support: SupportBundle;
  readonly logRotation: LogRotation;
}

/** What parts are given beside what all may see. */
export interface PartsOptions {
  /** Program and arguments before a command of the command line. */
  readonly program: readonly string[];
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** Has fleets and cluster hear of each other. */
function joinCluster(view: SupervisorView, random: () => number): void {
  const { cluster, fleets, memory, clock, bootOffsetMs, configuration } = view;
  fleets.takePlace(placeByName(instanceNameOf(configuration.config)));
  const [inFlight, health] = [cluster.shares.includes("in_flight"), cluster.shares.includes("health")];
  const own = new OwnNumbers({ memory, servers: () => fleets.told(), inFlight, health });
  cluster.tellOf(() => own.read());
  cluster.describeBy(() => ownFigures(fleets.present()));
  if (inFlight) cluster.ride(new PeersInTable({ memory, bootMs: () => clock.nowMs() + bootOffsetMs(), random }));
  if (health) cluster.ride(new Verdicts(fleets));
  cluster.ride(new Places(fleets));
}

/** Makes them. */
export function makeParts(view: SupervisorView, log: Logger, { program, random }: PartsOptions): InstanceParts {
  const nowMs = (): number => view.clock.nowMs();
  joinCluster(view, random);
  return {
    operating: view.operating,
    cluster: view.cluster,
    canaries: new Canaries(canariesOptionsOf(view, log)),
    live: new Live(liveViewOf(view), log),
    renewal: new CertificateRenewal(view, log),
    page: new PageFiles({ command: [...program, "page-bundle"], log, nowMs }),
    explain: new ExplainPart(explainOptionsOf(view, log)),
    support: new SupportBundle(supportOptions(view, random)),
    logRotation: new LogRotation({
      settings: () => view.configuration.config.log,
      reopen: () => view.workers()?.reopenLogs(),
      log,
    }),
  };
}
