/** Sees to it that each name has a certificate: one order at a time, each at its time, and after a failure not before it may be. */
import type { AcmeCertificate, AcmeCounts, AcmeSettings, AcmeState, FromAcme } from "../protocol/acme.ts";
import type { Logger } from "../telemetry/log/logger.ts";
import type { Authority } from "./authority/authority.ts";
import { CaError, shown } from "./authority/problem.ts";
import type { Challenges } from "./challenges.ts";
import { type Refusal, renewalMs, waitMs } from "./schedule.ts";
import type { CertificateStore, Tries, Validity } from "./store/certificate-store.ts";
import type { Lease } from "./store/lease.ts";

/** An order that takes longer is given up. */
const ORDER_MS = 5 * 60_000;
/** Another one has the lease, or the directory cannot be used: looked at again then. */
const HELD_MS = 5_000;

const NO_REASON: Refusal = { rateLimited: false, retryAfterMs: null };

/** What they are made from. */
export interface RenewalsOptions {
  readonly settings: Pick<AcmeSettings, "domains" | "challenge" | "keyType" | "directoryUrl">;
  readonly store: Pick<CertificateStore, "validity" | "keep" | "tries" | "noteTries">;
  readonly lease: Pick<Lease, "take" | "release">;
  readonly authority: Authority;
  readonly challenges: Pick<Challenges, "present" | "withdraw">;
  readonly log: Logger;
  readonly tell: (message: FromAcme) => void;
  readonly wallMs: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

/** What is on the disk of a name. */
interface Known {
  readonly validity: Validity | null;
  /** Of another CA, or of another kind of key, they do not count. */
  readonly tries: Tries | null;
  readonly dueMs: number;
}

/** Those of one process. */
export class Renewals {
  readonly #options: RenewalsOptions;
  readonly #counts: { -readonly [K in keyof AcmeCounts]: number } = { success: 0, failure: 0 };
  /** Somebody wants these now. */
  readonly #wanted = new Set<string>();
  /** Tries that could not be written down. */
  readonly #unkept = new Map<string, Tries>();
  #ordering: string | null = null;
  #order: Promise<void> = Promise.resolve();
  #cut = new AbortController();
  #closed = false;
  #notBeforeMs = 0;
  #said = "";
  /** What keeps it from even trying; empty = nothing. */
  #obstacle = "";

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  /** Somebody wants a new certificate for `name`, whenever its time would be. */
  renew(name: string): void {
    if (this.#options.settings.domains.includes(name)) this.#wanted.add(name);
  }

  /** Looks whether it is time for one, and says what is known. Call it about once a second. */
  tick(): void {
    const { settings, wallMs } = this.#options;
    const nowMs = wallMs();
    if (!this.#closed && this.#ordering === null && (nowMs >= this.#notBeforeMs || this.#wanted.size > 0)) {
      const due = settings.domains
        .map((name) => ({ name, dueMs: this.#wanted.has(name) ? 0 : this.#known(name).dueMs }))
        .sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due !== undefined && due.dueMs <= nowMs) this.#begin(due.name, nowMs);
    }
    this.#say();
  }

  /** Breaks off what is under way; resolves when nothing is held any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cut.abort();
    await this.#order;
  }

  #begin(name: string, nowMs: number): void {
    const { lease, log } = this.#options;
    try {
      if (!lease.take()) {
        this.#notBeforeMs = nowMs + HELD_MS;
        return;
      }
      this.#obstacle = "";
    } catch (error) {
      this.#notBeforeMs = nowMs + HELD_MS;
      const message = `certificates cannot be kept: ${(error as Error).message}`;
      if (this.#obstacle !== message) log.error(message);
      this.#obstacle = message;
      return;
    }
    this.#ordering = name;
    this.#order = this.#run(name).finally(() => {
      this.#ordering = null;
      lease.release();
    });
  }

  async #run(name: string): Promise<void> {
    const { store, log, tell, wallMs, random, authority, settings, challenges } = this.#options;
    const isWanted = this.#wanted.delete(name);
    const before = this.#known(name);
    // While we waited for the lease another one may have done it.
    if (!isWanted && before.dueMs > wallMs()) return;
    const by = isWanted ? "order" : before.validity === null ? "missing" : "renewal";
    // Written before: an order that takes this process with it counts, and where nothing can be written none is made.
    try {
      store.noteTries(name, this.#failed(before, NO_REASON, "it was broken off"));
    } catch (error) {
      this.#notBeforeMs = wallMs() + HELD_MS;
      this.#note(name, before, error);
      return;
    }
    this.#cut = new AbortController();
    const cut = AbortSignal.any([this.#cut.signal, AbortSignal.timeout(ORDER_MS)]);
    const { challenge, keyType, directoryUrl } = settings;
    log.info({ domain: name, ca: new URL(directoryUrl).host, challenge, by }, "a certificate is asked for");
    this.#say();
    try {
      const issued = await authority.order({
        name,
        challenge,
        keyType,
        cut,
        present: (pending) => challenges.present(pending, cut),
        withdraw: () => challenges.withdraw(),
      });
      const { fromMs, expiresAtMs } = store.keep(name, issued);
      this.#unkept.delete(name);
      this.#counts.success++;
      this.#write(name, this.#tries(renewalMs(fromMs, expiresAtMs, random())));
      log.info({ domain: name, expires_at: new Date(expiresAtMs).toISOString() }, "a certificate was issued");
      tell({ type: "issued", name, expiresAtMs, by });
    } catch (error) {
      // Nobody's fault: the next one begins where this one did.
      if (this.#cut.signal.aborted) this.#write(name, before.tries ?? this.#tries(null));
      else
        this.#note(
          name,
          before,
          cut.aborted ? new CaError(`no certificate within ${ORDER_MS / 60_000} minutes`) : error,
        );
    }
  }

  /** A try went wrong. */
  #note(name: string, before: Known, error: unknown): void {
    const { log, tell } = this.#options;
    const message = shown((error as Error).message);
    const refusal = error instanceof CaError ? error : NO_REASON;
    const tries = this.#failed(before, refusal, message);
    this.#write(name, tries);
    this.#counts.failure++;
    const nextTryAtMs = tries.nextTryAtMs ?? 0;
    const next = new Date(nextTryAtMs).toISOString();
    log.error({ domain: name, failures: tries.failures, next_try_at: next }, `no certificate: ${message}`);
    tell({ type: "refused", name, message, nextTryAtMs });
  }

  #failed({ tries }: Known, refusal: Refusal, message: string): Tries {
    const { wallMs, random } = this.#options;
    const failures = (tries?.failures ?? 0) + 1;
    const atMs = wallMs();
    return { ...this.#tries(atMs + waitMs(failures, refusal, random())), failures, lastError: { atMs, message } };
  }

  #tries(nextTryAtMs: number | null): Tries {
    const { directoryUrl, keyType } = this.#options.settings;
    return { directoryUrl, keyType, failures: 0, lastError: null, nextTryAtMs };
  }

  #write(name: string, tries: Tries): void {
    try {
      this.#options.store.noteTries(name, tries);
      this.#unkept.delete(name);
    } catch {
      this.#unkept.set(name, tries); // what is to be waited for is waited for, whatever the disk says
    }
  }

  #known(name: string): Known {
    const { store, settings } = this.#options;
    let validity: Validity | null = null;
    let noted: Tries | null = this.#unkept.get(name) ?? null;
    try {
      validity = store.validity(name);
      noted ??= store.tries(name);
    } catch {
      // The lease says what is wrong with the directory.
    }
    const { directoryUrl, keyType } = settings;
    const isAsked = noted === null || (noted.directoryUrl === directoryUrl && noted.keyType === keyType);
    const tries = isAsked ? noted : null;
    return { validity, tries, dueMs: isAsked ? this.#dueMs(validity, tries) : 0 };
  }

  #dueMs(validity: Validity | null, tries: Tries | null): number {
    if (tries !== null && tries.failures > 0) return tries.nextTryAtMs ?? 0;
    if (validity === null) return 0;
    return tries?.nextTryAtMs ?? renewalMs(validity.fromMs, validity.expiresAtMs, 0);
  }

  #say(): void {
    const { settings, tell } = this.#options;
    const certificates = settings.domains.map((name) => this.#describe(name));
    const said = JSON.stringify([certificates, this.#counts]);
    if (said === this.#said) return;
    this.#said = said;
    tell({ type: "state", certificates, counts: { ...this.#counts } });
  }

  #describe(name: string): AcmeCertificate {
    const { validity, tries, dueMs } = this.#known(name);
    const isOrdering = this.#ordering === name;
    const failures = isOrdering ? Math.max(0, (tries?.failures ?? 1) - 1) : (tries?.failures ?? 0);
    const state: AcmeState = isOrdering ? "ordering" : failures > 0 || this.#obstacle !== "" ? "failing" : "waiting";
    const noted = tries?.lastError ?? null;
    const lastError =
      this.#obstacle === "" ? noted : { atMs: noted?.atMs ?? this.#notBeforeMs, message: this.#obstacle };
    return {
      name,
      state,
      expiresAtMs: validity?.expiresAtMs ?? null,
      nextTryAtMs: dueMs === 0 ? null : dueMs,
      failures,
      lastError: isOrdering ? null : lastError,
    };
  }
}
