/**
 * Certificates by ACME as an instance has them (a part of it): the process while any are wanted, what workers answer CAs, and what is
 * told of it.
 */
import { isDeepStrictEqual } from "node:util";
import { readAcmeSettings } from "../../../config/acme/settings.ts";
import type { Config } from "../../../config/config.ts";
import type { AcmeSettings, FromAcme, PendingChallenge } from "../../../protocol/acme.ts";
import type { Logger } from "../../../telemetry/log/logger.ts";
import { Acme } from "../../processes/acme/acme.ts";
import type { SupervisorView } from "../status.ts";

/** One instance's. */
export class CertificateRenewal {
  readonly #view: SupervisorView;
  readonly #log: Logger;
  #config: Config | null = null;
  #settings: AcmeSettings | null = null;
  #logged = "";
  /** Another process is not to begin before this one has gone. */
  #stopping = false;
  #ended = false;

  constructor(view: SupervisorView, log: Logger) {
    this.#view = view;
    this.#log = log;
  }

  start(): void {
    this.#follow();
  }

  tick(): void {
    this.#follow();
  }

  async stop(): Promise<void> {
    this.#ended = true;
    await this.#view.acme.process?.stop();
  }

  /** Somebody wants a new one for `name`. @returns false when there is nobody to get it. */
  renew(name: string): boolean {
    return this.#view.acme.process?.tell({ type: "renew", name }) ?? false;
  }

  /** The configuration may be another. */
  #follow(): void {
    const { config } = this.#view.configuration;
    if (this.#stopping || this.#ended) return;
    if (config === this.#config) return;
    this.#config = config;
    const wanted = readAcmeSettings(config, { problem: () => {}, warning: () => {} }); // both were said when it was loaded
    const { level, format } = config.log;
    const logs = `${level} ${format}`;
    if (!isDeepStrictEqual(wanted, this.#settings)) void this.#change(wanted);
    else if (logs !== this.#logged) this.#view.acme.process?.tell({ type: "log", level, format });
    this.#logged = logs;
  }

  async #change(wanted: AcmeSettings | null): Promise<void> {
    const { acme } = this.#view;
    this.#settings = wanted;
    this.#stopping = true;
    await acme.process?.stop();
    this.#stopping = false;
    acme.certificates = [];
    if (wanted === null || this.#ended) return;
    acme.challenge = wanted.challenge;
    acme.process ??= this.#makeProcess();
    acme.process.start();
  }

  #makeProcess(): Acme {
    const { acme, clock, journal, configuration } = this.#view;
    return new Acme({
      command: [...acme.program, "acme"],
      log: this.#log,
      events: journal,
      clock: () => clock.nowMs(),
      startMessage: () => {
        const { level: logLevel, format: logFormat } = configuration.config.log;
        if (this.#settings === null) throw new Error("no certificates are asked for");
        return { type: "start", logLevel, logFormat, settings: this.#settings };
      },
      onMessage: (message) => this.#heard(message),
      onGone: () => {
        acme.endCount();
        void this.#serve([]);
      },
    });
  }

  #heard(message: FromAcme): void {
    const { acme, journal } = this.#view;
    switch (message.type) {
      case "challenges": {
        const { version, pending } = message;
        void this.#serve(pending).then(() => acme.process?.tell({ type: "served", version }));
        return;
      }
      case "state":
        acme.certificates = message.certificates;
        acme.count(message.counts);
        return;
      case "issued": {
        const { name, expiresAtMs, by } = message;
        const until = new Date(expiresAtMs).toISOString();
        const what = `a certificate for ${name} was issued, valid until ${until}`;
        journal.note({ kind: "certificate", message: what, detail: { name, expires_at: until, by } });
        void acme.lookAtFiles();
        return;
      }
      case "refused": {
        const { name, message: why, nextTryAtMs } = message;
        const next = new Date(nextTryAtMs).toISOString();
        const what = `no certificate for ${name}: ${why}`;
        journal.note({ kind: "certificate", message: what, detail: { name, error: why, next_try_at: next } });
      }
    }
  }

  async #serve(pending: readonly PendingChallenge[]): Promise<void> {
    await this.#view.workers()?.setChallenges(pending);
  }
}
