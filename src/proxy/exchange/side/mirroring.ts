/** What mirroring has to do with the requests of one exchange: each is copied once at most. */
import type { ProxiedRequest } from "../request.ts";
import type { MirroredRequest } from "./mirrored-request.ts";
import type { Mirrors } from "./mirrors.ts";

/** One exchange's, for one request after the other. */
export class Mirroring {
  readonly #mirrors: Mirrors;
  /** Whether the present request is copied has been decided: another attempt changes nothing of that. */
  #decided = false;
  #copy: MirroredRequest | null = null;

  constructor(mirrors: Mirrors) {
    this.#mirrors = mirrors;
  }

  /** The request was sent to a server, as far as it has come. */
  onSent(request: ProxiedRequest, nowMs: number): void {
    const { mirror } = request.target.route;
    if (mirror === null || this.#decided) return;
    this.#decided = true;
    this.#copy = this.#mirrors.mirror(request, mirror, nowMs);
  }

  /** Its response begins. */
  onResponse(status: number, latencyMs: number): void {
    this.#copy?.primaryAnswered(status, latencyMs);
  }

  /** It is over. */
  end(): void {
    this.#copy?.primaryEnded();
    this.#copy = null;
    this.#decided = false;
  }
}
