/** Servers of a pool that were no candidates, and why: some by name, all of them counted. */
import { EXPLAIN_INELIGIBLE, Ineligible } from "../../shared/memory/layout/explain.ts";

const ID_MASK = 0xff_ffff;

/** A list; it is filled anew for each choice. */
export class IneligibleServers {
  /** Ids (24 bits) and `Ineligible` (8 bits). */
  readonly servers = new Int32Array(EXPLAIN_INELIGIBLE);
  kept = 0;
  /** By `Ineligible`. */
  readonly counts = new Int32Array(Ineligible.LENGTH);
  total = 0;

  clear(): void {
    this.kept = 0;
    if (this.total > 0) this.counts.fill(0);
    this.total = 0;
  }

  add(id: number, why: Ineligible): void {
    if (this.kept < EXPLAIN_INELIGIBLE) this.servers[this.kept++] = (id & ID_MASK) | (why << 24);
    this.counts[why]++;
    this.total++;
  }

  /** Begins with what `other` has. */
  copy(other: IneligibleServers): void {
    if (other.total === 0) {
      this.clear();
      return;
    }
    this.kept = other.kept;
    this.total = other.total;
    for (let i = 0; i < other.kept; i++) this.servers[i] = other.servers[i];
    for (let i = 0; i < other.counts.length; i++) this.counts[i] = other.counts[i];
  }
}
