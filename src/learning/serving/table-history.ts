/** The tables of the last seconds with the features behind them: to explain decisions, and to judge them. */
import { columnOf, SCORE_COLUMNS } from "../../balancing/score-columns.ts";
import type { SurfaceModel } from "./table-writer.ts";
import type { TableFeatures } from "../features/table-features.ts";

/** Tables are kept for so long, milliseconds … */
export const HISTORY_MS = 10_000;
/** … or, of large fleets, as many as fit: what they take is bounded, bytes. */
export const HISTORY_BYTES = 16 * 1024 * 1024;

/** One table that was published. */
export interface PublishedSurface {
  readonly model: SurfaceModel;
  readonly sequence: number;
  /** Boot clock, milliseconds. */
  readonly atMs: number;
  readonly modelVersion: number;
  /** The costs are milliseconds before the crowd; otherwise their order is all there is to know. */
  readonly isCost: boolean;
  readonly features: TableFeatures;
  /** `[servers × SCORE_COLUMNS]`, by place in `features.slots`. */
  readonly costs: Float32Array;
}

/** The cost that a table has for a server (its place in `features.slots`) with `inFlight` requests. */
export function costIn({ costs }: PublishedSurface, server: number, inFlight: number): number {
  return costs[server * SCORE_COLUMNS + columnOf(inFlight)];
}

export class SurfaceHistory {
  readonly #surfaces: PublishedSurface[] = [];
  readonly #mostBytes: number;
  /** How many of them share these costs: a table that is shown again takes nothing. */
  readonly #sharing = new Map<Float32Array, number>();
  #bytes = 0;
  #addedBytes = 0;

  constructor(mostBytes = HISTORY_BYTES) {
    this.#mostBytes = mostBytes;
  }

  get length(): number {
    return this.#surfaces.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of all that were ever added: what is dropped is garbage. */
  get addedBytes(): number {
    return this.#addedBytes;
  }

  /** Adds one, and drops what is too old or too much. The last one stays in any case. */
  add(surface: PublishedSurface): void {
    this.#surfaces.push(surface);
    const sharing = this.#sharing.get(surface.costs) ?? 0;
    this.#sharing.set(surface.costs, sharing + 1);
    if (sharing === 0) {
      this.#bytes += bytesOf(surface);
      this.#addedBytes += bytesOf(surface);
    }
    let drop = 0;
    for (; drop < this.#surfaces.length - 1; drop++) {
      const oldest = this.#surfaces[drop];
      if (surface.atMs - oldest.atMs <= HISTORY_MS && this.#bytes <= this.#mostBytes) break;
      this.#forget(oldest);
    }
    if (drop > 0) this.#surfaces.splice(0, drop);
  }

  #forget(surface: PublishedSurface): void {
    const sharing = this.#sharing.get(surface.costs)! - 1;
    if (sharing > 0) {
      this.#sharing.set(surface.costs, sharing);
    } else {
      this.#sharing.delete(surface.costs);
      this.#bytes -= bytesOf(surface);
    }
  }

  /** The table of that sequence number. */
  find(model: SurfaceModel, sequence: number): PublishedSurface | undefined {
    return this.#surfaces.find((surface) => surface.model === model && surface.sequence === sequence);
  }

  /** The newest of that model that was there at a moment of the boot clock: for decisions that came from none. */
  at(model: SurfaceModel, atMs: number): PublishedSurface | undefined {
    return this.#surfaces.findLast((surface) => surface.model === model && surface.atMs <= atMs);
  }

  newest(model: SurfaceModel): PublishedSurface | undefined {
    return this.#surfaces.findLast((surface) => surface.model === model);
  }
}

function bytesOf({ features, costs }: PublishedSurface): number {
  return features.bytes + costs.byteLength;
}
