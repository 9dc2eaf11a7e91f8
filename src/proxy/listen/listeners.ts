/** All that a worker listens on. */
import type { ProxySettings } from "../../protocol/worker.ts";
import type { Network } from "../sockets/network.ts";
import type { Listening } from "../sockets/raw-socket.ts";
import type { WorkerContext } from "../worker-context.ts";
import { type Accept, type ListenerSpec, listen } from "./listener.ts";

/** What there is to listen on, by a name under which a reload finds it again. */
function specsOf({ host, port, tls }: ProxySettings): ReadonlyMap<string, ListenerSpec> {
  const specs = new Map<string, ListenerSpec>([["plain", { host, port, certificates: null }]]);
  if (tls !== null) specs.set("tls", { host, port: tls.port, certificates: tls.certificates });
  return specs;
}

export class Listeners {
  readonly #ctx: WorkerContext;
  readonly #network: Network;
  readonly #accept: Accept;
  readonly #open = new Map<string, Listening>();

  /** Listens at once, as `ctx.settings` say. Throws an `Error` for the operator when a port cannot be had. */
  constructor(ctx: WorkerContext, network: Network, accept: Accept) {
    this.#ctx = ctx;
    this.#network = network;
    this.#accept = accept;
    for (const [name, spec] of specsOf(ctx.settings)) this.#open.set(name, listen(ctx, network, accept, spec));
  }

  /** The port that is listened on; another than the setting's when that is 0. */
  get port(): number {
    return this.#open.get("plain")?.port ?? 0;
  }

  /** 0 = no TLS. */
  get tlsPort(): number {
    return this.#open.get("tls")?.port ?? 0;
  }

  /**
   * Listens as `settings` say where that is not what `old` said. The new socket listens before the old one stops, so that
   * no client finds the port closed.
   */
  change(settings: ProxySettings, old: ProxySettings): void {
    const before = specsOf(old);
    const wanted = specsOf(settings);
    try {
      for (const [name, spec] of wanted) {
        if (JSON.stringify(spec) === JSON.stringify(before.get(name))) continue;
        const replaced = this.#open.get(name);
        this.#open.set(name, listen(this.#ctx, this.#network, this.#accept, spec));
        replaced?.stop();
      }
    } catch (error) {
      this.#ctx.log.error({ err: error }, "cannot listen as newly configured: the old listener stays");
      return;
    }
    for (const [name, listening] of this.#open) {
      if (wanted.has(name)) continue;
      this.#open.delete(name);
      listening.stop();
    }
  }

  /** Connections live on. */
  stop(): void {
    for (const listening of this.#open.values()) listening.stop();
  }
}
