/** All that a worker listens on. */
import type { ListenerSpec, ProxySettings, TlsCertificate } from "../../protocol/worker.ts";
import { ClientAccess } from "../../shared/addresses/client-access.ts";
import type { Entrance } from "../downstream/entrance.ts";
import type { HandedSocket } from "../sockets/hand-over.ts";
import type { Network } from "../sockets/network.ts";
import type { Listening, TakenOver } from "../sockets/raw-socket.ts";
import type { WorkerContext } from "../worker-context.ts";
import { type Accept, type ListenerOptions, listen } from "./listener.ts";

/** A socket that is open, and what it was opened with: its port is the one that was found, if any would do. */
interface Open {
  readonly spec: ListenerSpec;
  readonly options: ListenerOptions;
  readonly entrance: Entrance;
  readonly listening: Listening;
  /** Sockets of other workers at the same place, whose workers have gone: see `HandedSocket`. */
  readonly more: readonly Listening[];
}

export class Listeners {
  readonly #ctx: WorkerContext;
  readonly #network: Network;
  readonly #accept: Accept;
  /** In the order of the settings. */
  #open: readonly Open[] = [];
  /** Those that are not taken yet. */
  #handed: HandedSocket[] = [];

  /**
   * Listens at once, as `ctx.settings` say. Throws an `Error` for the operator when a port cannot be had.
   * @param handed sockets of the instance whose place this one takes; those that are not wanted are closed.
   */
  constructor(ctx: WorkerContext, network: Network, accept: Accept, handed: readonly HandedSocket[] = []) {
    this.#ctx = ctx;
    this.#network = network;
    this.#accept = accept;
    this.#handed = [...handed];
    this.#open = this.#listen(ctx.settings, []);
    for (const { fd } of this.#handed.splice(0)) ctx.kernel.close(fd);
  }

  /** For a worker that takes the place of this one. */
  get handedOver(): readonly HandedSocket[] {
    if (this.#ctx.draining) return [];
    const all = this.#open.flatMap(({ spec: { host }, options: { port }, listening, more }) =>
      [listening, ...more].map(({ fd }) => ({ host, port, fd })),
    );
    return all.filter(({ fd }) => fd >= 0);
  }

  /** Where is listened: as the settings say, with the ports that were found in place of zeros. */
  get specs(): readonly ListenerSpec[] {
    return this.#open.map(({ spec, options: { port } }) => ({ ...spec, port }));
  }

  /**
   * Listens as `settings` say where that is not what is done already. Whoever is new listens before who was there stops, so that
   * no client finds a port closed; when one cannot be had, all stays as it was.
   */
  change(settings: ProxySettings): void {
    const before = this.#open;
    try {
      this.#open = this.#listen(settings, before);
    } catch (error) {
      this.#ctx.log.error({ err: error }, "cannot listen as newly configured: the old listeners stay");
      return;
    }
    for (const one of before) if (!this.#open.some(({ listening }) => listening === one.listening)) stop(one);
  }

  /** Connections live on. */
  stop(): void {
    for (const one of this.#open) stop(one);
  }

  /** Opens what `before` has not. What it opened is closed again when it throws. */
  #listen(settings: ProxySettings, before: readonly Open[]): Open[] {
    const open: Open[] = [];
    const fresh: Listening[] = [];
    try {
      for (const spec of settings.listeners) {
        const options = optionsOf(spec, settings, this.#ctx.challenges?.certificates ?? null);
        const same = before.find((one) => isSame(one.options, options));
        const known = before.find((one) => isSamePlace(one.options, options));
        const entrance = known?.entrance ?? entranceOf(spec);
        const [listening, ...more] = same ? [same.listening, ...same.more] : this.#openOne(options, entrance, before);
        if (same === undefined) fresh.push(listening, ...more);
        open.push({ spec, options: { ...options, port: listening.port }, entrance, listening, more });
      }
    } catch (error) {
      for (const listening of fresh) listening.stop();
      throw error;
    }
    // All of it is in force from here on: also for who came in before.
    const lists = new Map<string, ClientAccess | null>();
    for (const { spec, options, entrance } of open) {
      const key = JSON.stringify(spec.clients ?? null);
      if (!lists.has(key)) lists.set(key, ClientAccess.of(settings.clientAccess, spec.clients));
      entrance.access = lists.get(key) ?? null;
      entrance.port = options.port;
      entrance.http2 = spec.http2 ?? settings.http2;
      entrance.asksCertificates = options.terms !== null && options.terms.auth !== "off";
    }
    return open;
  }

  /** One socket; or as many as were taken over. */
  #openOne(options: ListenerOptions, entrance: Entrance, before: readonly Open[]): Listening[] {
    const takenOver = [...this.#takeHanded(options), ...this.#takeOver(options, before)];
    const fresh: Listening[] = [];
    try {
      do {
        fresh.push(listen(this.#ctx, this.#network, this.#accept, options, entrance, takenOver[0] ?? null));
        takenOver.shift();
      } while (takenOver.length > 0);
    } catch (error) {
      // Else the sockets would live on when whoever has them now stops, and clients would wait in them for nobody.
      for (const { fd } of takenOver) this.#ctx.kernel.close(fd);
      for (const listening of fresh) listening.stop();
      throw error;
    }
    return fresh;
  }

  #takeHanded({ host, port }: ListenerOptions): TakenOver[] {
    const isHere = (one: HandedSocket) => one.host === host && one.port === port;
    const here = this.#handed.filter(isHere);
    this.#handed = this.#handed.filter((one) => !isHere(one));
    return here;
  }

  /** Other certificates at the same place go on with the same sockets: clients that wait in them would be reset with them. */
  #takeOver({ host, port, certificates }: ListenerOptions, before: readonly Open[]): TakenOver[] {
    const there = before.find(({ options }) => options.host === host && options.port === port);
    if (certificates === null || !there?.options.certificates) return [];
    return [there.listening, ...there.more]
      .map((one) => ({ fd: this.#ctx.kernel.duplicate(one.fd), port }))
      .filter(({ fd }) => fd >= 0);
  }
}

function stop({ listening, more }: Open): void {
  for (const one of [listening, ...more]) one.stop();
}

function entranceOf({ tls, port }: ListenerSpec): Entrance {
  return { secure: tls, port, access: null, http2: false, asksCertificates: false };
}

function isSame(one: ListenerOptions, other: ListenerOptions): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Who came in there came in here. */
function isSamePlace(one: ListenerOptions, other: ListenerOptions): boolean {
  return (
    one.host === other.host && one.port === other.port && (one.certificates === null) === (other.certificates === null)
  );
}

function optionsOf(
  spec: ListenerSpec,
  settings: ProxySettings,
  challenges: readonly TlsCertificate[] | null,
): ListenerOptions {
  const { host, port, tls } = spec;
  const { on, from } = settings.proxyProtocol;
  const headersFrom = (spec.proxyProtocol ?? on) ? from : null;
  if (!tls) return { host, port, certificates: null, terms: null, challenges: null, headersFrom, http2: false };
  if (settings.tls === null) throw new Error(`cannot listen on ${host}:${port} with TLS: there is no certificate`);
  const { clientTls } = settings;
  const auth = spec.clientAuth ?? clientTls.auth;
  // What nobody is asked for opens no socket anew when it changes.
  const asked = auth === "off" ? { auth, caPem: "", crlPems: null } : { auth };
  const terms = { ...clientTls, ...asked };
  const http2 = spec.http2 ?? settings.http2;
  return { host, port, certificates: settings.tls.certificates, terms, challenges, headersFrom, http2 };
}
