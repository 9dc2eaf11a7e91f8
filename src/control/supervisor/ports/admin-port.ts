/** The admin port of an instance: where it is, its TLS, and a free port in place of the usual one where that is taken. */
import type { Config } from "../../../config/config.ts";
import { type AdminTls, adminTlsFiles, readAdminTls } from "../../../config/listeners/admin-tls.ts";
import { ConfigError } from "../../../config/load.ts";
import { SECTIONS } from "../../../config/schema.ts";
import type { AdminSettings } from "../../../config/sections/admin.ts";
import { FileWatch } from "../../../shared/files/file-watch.ts";
import { policySource } from "../../admin/access/policy.ts";
import type { AdminApi } from "../../admin/api.ts";
import { type AdminPortListener, listenOnAdminPort } from "../../admin/doors/listener.ts";
import type { ControlLog } from "../../log.ts";
import type { RuntimeDirectory } from "../runtime-directory.ts";
import { noteAdminPlace } from "./admin-place.ts";

/** How often the files of its TLS are looked at. */
const LOOK_MS = 10_000;

type Directory = Pick<RuntimeDirectory, "adminPortPath" | "adminPlacePath">;

/** What it is opened with. */
export interface AdminPortOptions {
  readonly configuration: {
    readonly config: Pick<Config, "admin">;
    readonly effective: readonly { readonly env: string; readonly origin: string }[];
  };
  readonly log: ControlLog;
  /** Milliseconds since the epoch. */
  readonly wallMs: () => number;
  /** Monotonic, milliseconds. */
  readonly nowMs: () => number;
}

/** One instance's. */
export class AdminPort {
  readonly #options: AdminPortOptions;
  /** As they were at the start: where it listens, and where its files are, needs a restart to change. */
  readonly #settings: AdminSettings;
  readonly #isUsual: boolean;
  readonly #files: FileWatch;
  #listener: AdminPortListener | null = null;
  #lookedAtMs = 0;
  #rejected = false;

  constructor(options: AdminPortOptions) {
    const { config, effective } = options.configuration;
    this.#options = options;
    this.#settings = config.admin;
    const { env } = SECTIONS.admin.settings.port;
    this.#isUsual = effective.find((setting) => setting.env === env)?.origin === "default";
    this.#files = new FileWatch(adminTlsFiles(this.#settings));
  }

  /** What no other instance may have; a usual port that another has is no reason not to start. */
  get claimed(): Pick<AdminSettings, "host" | "port"> {
    const { host, port } = this.#settings;
    return { host, port: this.#isUsual ? null : port };
  }

  /** The files of its TLS were replaced by ones that cannot be used. */
  get rejected(): boolean {
    return this.#rejected;
  }

  /** As status shows it; `null` = there is none. */
  describe() {
    if (this.#listener === null) return null;
    const { host, tlsCertFile, tlsClientCaFile } = this.#settings;
    return {
      host,
      port: this.#listener.port,
      tls: tlsCertFile !== null,
      client_certificates: tlsClientCaFile !== null,
    };
  }

  /**
   * Listens. Rejects with an `Error` or a `ConfigError` for the operator.
   * @param directory has what the port leads to, and is told where it is.
   * @param mayWait whoever has the port is about to go. @returns false when that is so, and it is to be tried again.
   */
  async open(api: AdminApi, directory: Directory, mayWait = false): Promise<boolean> {
    const { host, port } = this.#settings;
    if (port === null || this.#listener !== null) return true;
    const tls = this.#readTls();
    const policy = policySource(() => this.#options.configuration.config.admin, host);
    const { log, nowMs, wallMs } = this.#options;
    const options = { host, port, tls, policy, socketPath: directory.adminPortPath, nowMs, wallMs };
    try {
      this.#listener = await listenOnAdminPort(api, options);
      log.info({ host, port: this.#listener.port }, "the admin API listens");
    } catch (error) {
      if (mayWait && isTaken(error)) return false;
      if (!this.#isUsual || !isTaken(error)) throw error;
      this.#listener = await listenOnAdminPort(api, { ...options, port: 0 });
      const found = { host, port: this.#listener.port, usual_port: port };
      log.warn(found, `the admin API listens on a free port: ${port} is in use, and ADMIN_PORT names no other`);
    }
    noteAdminPlace(directory, { host, port: this.#listener.port, tls: tls !== null });
    return true;
  }

  /** Its certificates may be others. Never throws. @param nowMs monotonic, milliseconds. */
  tick(nowMs: number): void {
    if (this.#listener === null || nowMs - this.#lookedAtMs < LOOK_MS) return;
    this.#lookedAtMs = nowMs;
    if (this.#files.changed()) this.#renew(this.#listener);
  }

  async stop(): Promise<void> {
    await this.#listener?.stop();
  }

  #renew(listener: AdminPortListener): void {
    const { log } = this.#options;
    try {
      const tls = this.#readTls();
      if (tls !== null) listener.setTls(tls);
      this.#rejected = false;
      log.info({}, "the admin port has new certificates");
    } catch (error) {
      this.#rejected = true;
      const problems = error instanceof ConfigError ? error.problems : [(error as Error).message];
      log.error({ problems }, "the new certificates of the admin port cannot be used: the old ones stay");
    }
  }

  #readTls(): AdminTls | null {
    const problems: string[] = [];
    const tls = readAdminTls(this.#settings, this.#options.wallMs(), {
      problem: (sentence) => problems.push(sentence),
      warning: (sentence) => this.#options.log.warn({}, sentence),
    });
    if (problems.length > 0) throw new ConfigError(problems);
    return tls;
  }
}

function isTaken(error: unknown): boolean {
  return ((error as Error).cause as { code?: string } | undefined)?.code === "EADDRINUSE";
}
