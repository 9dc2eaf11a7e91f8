/** All that a worker listens on. */
import type { ListenerSpec, ProxySettings, TlsCertificate } from "../../protocol/worker.ts";
import type { Network } from "../sockets/network.ts";
import type { Listening, TakenOver } from "../sockets/raw-socket.ts";
import type { WorkerContext } from "../worker-context.ts";
import { type Accept, type ListenerOptions, listen } from "./listener.ts";

/** A socket that is open, and what it was opened with: its port is the one that was found, if any would do. */
interface Open {
  readonly options: ListenerOptions;
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
    return this.#open.map(({ options: { host, port, certificates } }) => ({ host, port, tls: certificates !== null }));
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
    for (const one of before) if (!this.#open.includes(one)) one.listening.stop();
  }

  /** Connections live on. */
  stop(): void {
    for (const { listening } of this.#open) listening.stop();
  }

  /** Opens what `before` has not. What it opened is closed again when it throws. */
  #listen(settings: ProxySettings, before: readonly Open[]): Open[] {
    const open: Open[] = [];
    try {
      for (const spec of settings.listeners) {
        const options = optionsOf(spec, settings, this.#ctx.challenges?.certificates ?? null);
        const kept = before.find((one) => JSON.stringify(one.options) === JSON.stringify(options));
        open.push(kept ?? this.#openOne(options, before));
      }
    } catch (error) {
      for (const one of open) if (!before.includes(one)) one.listening.stop();
      throw error;
    }
    return open;
  }

  #openOne(options: ListenerOptions, before: readonly Open[]): Open {
    const takenOver = this.#takeOver(options, before);
    try {
      const listening = listen(this.#ctx, this.#network, this.#accept, options, takenOver);
      return { options: { ...options, port: listening.port }, listening };
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

function optionsOf(
  { host, port, tls }: ListenerSpec,
  settings: ProxySettings,
  challenges: readonly TlsCertificate[] | null,
): ListenerOptions {
  if (!tls) return { host, port, certificates: null, challenges: null };
  if (settings.tls === null) throw new Error(`cannot listen on ${host}:${port} with TLS: there is no certificate`);
  return { host, port, certificates: settings.tls.certificates, challenges };
}
