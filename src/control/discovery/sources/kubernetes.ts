/**
 * A server that is configured by a service of Kubernetes: a list of its EndpointSlices, and a watch of what changes. While the API
 * server is away, what is known stays.
 */
import {
  type KubernetesService,
  nameOf,
  parseKubernetesService,
  textOf,
} from "../../../shared/addresses/kubernetes-service.ts";
import { MAX_SERVERS } from "../../../shared/memory/layout/shared-memory.ts";
import type { ServerSpec } from "../../../shared/server-spec.ts";
import { type DiscoveredServer, respecified } from "../discovered-server.ts";
import { GoneError, HttpSliceApi, type SliceApi, type SliceEvent, type SliceList } from "../kubernetes/api.ts";
import { selectEndpoints } from "../kubernetes/select.ts";
import type { Slice } from "../kubernetes/slice.ts";
import type { DiscoverySource, SourceContext, Surroundings } from "../source.ts";

/** The most of the first wait after a failure; doubled with each one in a row. */
const RETRY_BASE_MS = 1_000;
const RETRY_MOST_MS = 30_000;
/** No watch begins sooner after the one before. */
const BETWEEN_WATCHES_MS = 1_000;
/** A watch that has lasted so long before it broke off is no sign of trouble. */
const STEADY_MS = 10_000;
/** Watches that broke off early in a row are trouble; fewer are what proxies and restarts do. */
const TROUBLING_CUTS = 3;
/** Slices of one service: with a hundred endpoints in each, more than there can be servers. */
const MAX_SLICES = 1_000;

/** The source of one service. @param api who is asked. Default: the API server that is configured. */
export function kubernetesSource(
  spec: ServerSpec,
  context: SourceContext,
  api: SliceApi = new HttpSliceApi(() => context.surroundings().kubernetes, context.random),
): DiscoverySource {
  return new KubernetesSource(spec, context, api);
}

class KubernetesSource implements DiscoverySource {
  readonly #context: SourceContext;
  readonly #api: SliceApi;
  readonly #service: KubernetesService;
  readonly #closing = new AbortController();
  #spec: ServerSpec;
  #servers: readonly DiscoveredServer[] = [];
  /** By name. */
  #slices = new Map<string, Slice>();
  /** From where a watch goes on; `null` = a list is needed. */
  #version: string | null = null;
  /** Slices are others than `servers` was made of. Several changes together are told at once: endpoints move between slices. */
  #isStale = false;
  #dueMs = 0;
  /** The list, or the watch, that is under way. */
  #running: Promise<void> | undefined;
  /** Ends the watch that is under way, or about to be opened. */
  #watching: AbortController | undefined;
  /** As they were when they were last looked at. */
  #surroundings: Surroundings;
  /** In a row. */
  #failures = 0;
  /** Watches in a row that broke off soon. */
  #cuts = 0;
  /** What was last said of the service; `null` = nothing is wrong with it. */
  #complaint: string | null = null;

  constructor(spec: ServerSpec, context: SourceContext, api: SliceApi) {
    this.#spec = spec;
    this.#context = context;
    this.#api = api;
    this.#surroundings = context.surroundings();
    this.#service = parseKubernetesService(spec.url.slice(spec.url.indexOf("://") + 3));
  }

  get spec(): ServerSpec {
    return this.#spec;
  }

  get servers(): readonly DiscoveredServer[] {
    return this.#servers;
  }

  get degraded(): boolean {
    return this.#failures > 0;
  }

  refresh(): Promise<void> {
    if (this.#watching !== undefined) return Promise.resolve(); // it is told of whatever changes
    return this.#run(() => this.#list());
  }

  tick(nowMs: number): void {
    this.#lookAround();
    if (this.#isStale) this.#takeOver();
    if (this.#running !== undefined || nowMs < this.#dueMs) return;
    const version = this.#version;
    void this.#run(() => (version === null ? this.#list() : this.#watch(version)));
  }

  respecify(spec: ServerSpec): void {
    this.#servers = respecified(this.#servers, this.#spec, spec);
    this.#spec = spec;
  }

  close(): void {
    this.#closing.abort();
  }

  /** A reload may have named another API server, or another zone. */
  #lookAround(): void {
    const before = this.#surroundings;
    const now = this.#context.surroundings();
    if (now === before) return;
    this.#surroundings = now;
    if (now.zone !== before.zone && this.#slices.size > 0) this.#isStale = true;
    if (Bun.deepEquals(now.kubernetes, before.kubernetes)) return;
    this.#version = null;
    this.#dueMs = 0;
    this.#watching?.abort();
  }

  get #closed(): boolean {
    return this.#closing.signal.aborted;
  }

  #run(work: () => Promise<void>): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#running ??= work().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #list(): Promise<void> {
    const { counts, nowMs, onSettled } = this.#context;
    const { kubernetes } = this.#surroundings;
    counts.resolutions++;
    let list: SliceList;
    try {
      list = await this.#api.list(this.#service, this.#closing.signal);
    } catch (error) {
      if (this.#closed) return;
      this.#fail(error as Error);
      onSettled();
      return;
    }
    if (this.#closed) return;
    this.#slices = new Map(list.slices.slice(0, MAX_SLICES).map((slice) => [slice.name, slice]));
    this.#version = kubernetes === this.#surroundings.kubernetes ? list.version : null; // of another API server it says nothing
    this.#dueMs = nowMs();
    if (this.#cuts < TROUBLING_CUTS) this.#succeed();
    else this.#dueMs += this.#waitMs(this.#failures); // lists work, watches do not: it is asked now and then
    this.#takeOver();
  }

  async #watch(version: string): Promise<void> {
    const { counts, nowMs } = this.#context;
    const startedMs = nowMs();
    counts.resolutions++;
    let opened = false;
    const watching = new AbortController();
    this.#watching = watching;
    try {
      const signal = AbortSignal.any([this.#closing.signal, watching.signal]);
      const events = await this.#api.watch(this.#service, version, signal);
      opened = true;
      for await (const event of events) {
        if (signal.aborted) return;
        this.#take(event);
      }
      this.#dueMs = startedMs + BETWEEN_WATCHES_MS;
      if (nowMs() < this.#dueMs) return;
      this.#cuts = 0;
      this.#succeed();
    } catch (error) {
      if (this.#closed || watching.signal.aborted) return;
      if (opened || error instanceof GoneError) this.#cut(error as Error, nowMs() - startedMs);
      else this.#fail(error as Error);
    } finally {
      this.#watching = undefined;
    }
  }

  #take(event: SliceEvent): void {
    this.#cuts = 0;
    this.#succeed();
    this.#version = event.version;
    if (event.kind === "bookmark") return;
    const { slice } = event;
    if (event.kind === "deleted") this.#slices.delete(slice.name);
    else if (this.#slices.has(slice.name) || this.#slices.size < MAX_SLICES) this.#slices.set(slice.name, slice);
    this.#isStale = true;
  }

  /** Makes servers of the slices. */
  #takeOver(): void {
    this.#isStale = false;
    const { onSettled } = this.#context;
    const { endpoints, complaint } = selectEndpoints(this.#slices.values(), this.#service, this.#surroundings.zone);
    const spec = this.#spec;
    const hostname = nameOf(this.#service);
    this.#servers = endpoints.slice(0, MAX_SERVERS).map(({ address, port, zone }) => {
      const url = `${spec.scheme}://${hostname}:${port}`;
      return { spec, url, hostname, address, port, weight: spec.weight, ...(zone !== null && { zone }) };
    });
    const leftOut = endpoints.length - this.#servers.length;
    const tooMany = `names more servers than the limit of ${MAX_SERVERS}: the rest is left out`;
    this.#announce(leftOut > 0 ? tooMany : complaint);
    onSettled();
  }

  /** Said once, until it is something else. */
  #announce(complaint: string | null): void {
    if (complaint === this.#complaint) return;
    this.#complaint = complaint;
    const { log } = this.#context;
    const fields = { server: this.#spec.url, servers: this.#servers.length };
    if (complaint === null) log.info(fields, `${textOf(this.#service)} is as it should be again`);
    else log.warn(fields, `${textOf(this.#service)} ${complaint}`);
  }

  #succeed(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#context.log.info({ server: this.#spec.url }, "the API server of Kubernetes answers again");
  }

  /** A watch broke off, or cannot go on from where it was. */
  #cut(error: Error, lastedMs: number): void {
    const { counts, nowMs } = this.#context;
    this.#cuts = lastedMs >= STEADY_MS ? 1 : this.#cuts + 1;
    if (this.#cuts >= TROUBLING_CUTS) {
      this.#fail(error);
      return;
    }
    if (!(error instanceof GoneError)) counts.failures++; // that a version is forgotten is none
    this.#version = null;
    this.#dueMs = nowMs() + this.#waitMs(this.#cuts);
  }

  #fail(error: Error): void {
    const { counts, log, nowMs } = this.#context;
    counts.failures++;
    this.#failures++;
    this.#version = null;
    this.#dueMs = nowMs() + this.#waitMs(this.#failures);
    if (this.#failures > 1) return; // said once; the counter goes on
    const known = this.#servers.length;
    const consequence = known > 0 ? "the addresses last known stay in use" : "it has no address yet";
    log.warn(
      { server: this.#spec.url, error: error.message, known_addresses: known },
      `cannot look up ${textOf(this.#service)} in Kubernetes: ${consequence}`,
    );
  }

  /** Half of it is left to chance: all instances of a cluster lose the API server at the same moment. */
  #waitMs(times: number): number {
    return Math.min(RETRY_BASE_MS * 2 ** (times - 1), RETRY_MOST_MS) * (0.5 + this.#context.random() / 2);
  }
}
