/** What an instance has beside its fleets, workers and processes: each part lives as long as the instance. */
import type { Logger } from "../../telemetry/log/logger.ts";
import { PageFiles } from "../dashboard/page-files.ts";
import { Live } from "../live/live.ts";
import { CertificateRenewal } from "./certificate-renewal.ts";
import { liveViewOf } from "./live-view.ts";
import type { SupervisorView } from "./status.ts";

/** A part. It is made before there are workers, and must not wait for them. */
export interface InstancePart {
  /** Workers serve. Never throws. */
  start?(): void;
  /** About once a second. Never throws. @param nowMs monotonic, milliseconds. */
  tick?(nowMs: number): void;
  /** The instance ends. Never rejects. */
  stop?(): Promise<void> | void;
}

/** The parts by name, for the admin API and whoever else asks them. */
export interface InstanceParts {
  readonly live: Live;
  readonly renewal: CertificateRenewal;
  readonly page: PageFiles;
}

/** Makes them. @param program program and arguments before a command of the command line. */
export function makeParts(view: SupervisorView, log: Logger, program: readonly string[]): InstanceParts {
  const nowMs = (): number => view.clock.nowMs();
  return {
    live: new Live(liveViewOf(view), log),
    renewal: new CertificateRenewal(view, log),
    page: new PageFiles({ command: [...program, "page-bundle"], log, nowMs }),
  };
}
