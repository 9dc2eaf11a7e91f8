/** All that a worker listens on. */
import type { ListenerSpec, ProxySettings, TlsCertificate } from "../../protocol/worker.ts";
import { ClientAccess } from "../../shared/addresses/client-access.ts";
import type { Entrance } from "../downstream/entrance.ts";
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
}

export class Listeners {
  readonly #ctx: WorkerContext;
  readonly #network: Network;
  readonly #accept: Accept;
  /** In the order of the settings. */
  #open: readonly Open[] = [];

  /** Listens at once, as `ctx.settings` say. Throws an `Error` for the operator when a port cannot be had. */
  constructor(ctx: WorkerContext, network: Network, accept: Accept) {
    this.#ctx = ctx;
    this.#network = network;
    this.#accept = accept;
    this.#open = this.#listen(ctx.settings, []);
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
    for (const one of before)
      if (!this.#open.some(({ listening }) => listening === one.listening)) one.listening.stop();
  }

  /** Connections live on. */
  stop(): void {
    for (const { listening } of this.#open) listening.stop();
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
        const listening = same?.listening ?? this.#openOne(options, entrance, before);
        if (same === undefined) fresh.push(listening);
        open.push({ spec, options: { ...options, port: listening.port }, entrance, listening });
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

  #openOne(options: ListenerOptions, entrance: Entrance, before: readonly Open[]): Listening {
    const takenOver = this.#takeOver(options, before);
    try {
      return listen(this.#ctx, this.#network, this.#accept, options, entrance, takenOver);
    } catch (error) {
      // Else the socket would live on when whoever has it now stops, and clients would wait in it for nobody.
      if (takenOver !== null) this.#ctx.kernel.close(takenOver.fd);
      throw error;
    }
  }

  /** Other certificates at the same place go on with the same socket: clients that wait in it would be reset with it. */
  #takeOver({ host, port, certificates }: ListenerOptions, before: readonly Open[]): TakenOver | null {
    const there = before.find(({ options }) => options.host === host && options.port === port);
    if (certificates === null || !there?.options.certificates) return null;
    const fd = this.#ctx.kernel.duplicate(there.listening.fd);
    return fd < 0 ? null : { fd, port };
  }
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
