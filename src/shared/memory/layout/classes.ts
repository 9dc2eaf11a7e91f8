/**
 * The part of the shared memory that is about classes of requests: the learner says which there are and what they cost, workers
 * look requests up in it, and tell the learner what templates of paths are called. shared-memory.ts places it; its rules hold
 * here too.
 */
import type { Carver } from "./carver.ts";
import type { Ring } from "./ring.ts";

/** Classes of requests that a pool tells apart; class 0 is the rest. */
export const CLASSES = 64;
/** Expected work in flight is counted in this part of a mean request. */
export const WORK_UNIT = 256;
/** What one request costs at least and at most, in mean requests. */
export const LEAST_WORK = 1 / 32;
export const MOST_WORK = 64;
/** Longest text of a path template, bytes. */
export const TEMPLATE_BYTES = 96;
/** Places of a class's hash in each copy of a pool's table; a power of two. */
export const CLASS_PLACES = 128;
/** The table has two copies: the learner fills the one that nobody reads, then counts its sequence number up. */
export const CLASS_COPIES = 2;

/** Of one pool (Int32). Writers: learner; supervisor after its death. */
export const ClassWord = {
  /** Sequence number of the places; its lowest bit says which copy is complete. 0 = there are no classes. */
  TABLE: 0,
  /** Counted up before and after texts of classes are changed: odd = they are in writing. */
  NAMES: 1,
  LENGTH: 4,
} as const;

/** Of one class of a pool (Int32), for people. Writer: learner. */
export const ClassNameWord = {
  /** Hash of the template; 0 = there is no such class. That of class 0 is always 0. */
  HASH: 0,
  /** Number of the route. */
  ROUTE: 1,
  /** Index into `METHODS`. */
  METHOD: 2,
  /** Bytes of the template's text, which is what follows. */
  BYTES: 3,
  TEXT: 4,
  LENGTH: 4 + TEMPLATE_BYTES / 4,
} as const;

/** Of one class of a pool (Float64), for people. Writer: learner. */
export const ClassFigure = {
  /** Answers of it that were learned from since it is a class: not all where there are very many. */
  REQUESTS: 0,
  /** What one costs, in mean requests, as it counts; 1 = not known, or not known to differ. */
  COST: 1,
  /** Standard error of what was measured, as a share of it; 0 = nothing was. */
  ERROR: 2,
  /** Share of it of the requests, and of the work, of late; 0 … 1. */
  SHARE: 3,
  WORK_SHARE: 4,
  /** Mean time that servers took, of late, milliseconds. */
  MEAN_MS: 5,
  /** The least and the greatest cost of it at a server. */
  LEAST_COST: 6,
  GREATEST_COST: 7,
  LENGTH: 8,
} as const;

/** What the learner publishes of one pool's classes. */
export interface ClassTable {
  /** `ClassWord`s. */
  readonly words: Int32Array;
  /** `[CLASS_COPIES × CLASS_PLACES]`: hashes, 0 = the place is free. A hash is in its place or in one behind it. */
  readonly placeHash: Int32Array;
  /** The classes beside them. */
  readonly placeClass: Int32Array;
  /** `[CLASSES × ClassNameWord.LENGTH]`. */
  readonly names: Int32Array;
  /** `[CLASSES × ClassFigure.LENGTH]`. */
  readonly figures: Float64Array;
}

/** What requests cost at each server; all pools share it, as a slot is one pool's. Writers: learner; supervisor after its death. */
export interface ClassCostTable {
  /** `[MAX_SERVERS × CLASSES]`: in mean requests of the pool, > 0. */
  readonly cost: Float32Array;
  /** By slot: id of the server whose costs they are; 0 = nobody's, then every request costs 1. Written after the costs. */
  readonly costId: Int32Array;
}

/** Records of templates that a worker keeps; a power of two. */
export const TEMPLATE_ROWS = 256;

/** A record of a template that is no class: what it is called, and who asked. Indices of 32-bit words in its row. */
export const TemplateWord = {
  HASH: 0,
  /** Hash of the template with any last segment; 0 = there is none. */
  PARENT: 1,
  /** Row of the pool. */
  POOL: 2,
  /** Number of the route. */
  ROUTE: 3,
  /** Index into `METHODS`. */
  METHOD: 4,
  /** Hash of the client's address. */
  CLIENT: 5,
  /** Bytes of the text, which is what follows. */
  BYTES: 6,
  TEXT: 8,
  LENGTH: 8 + TEMPLATE_BYTES / 4,
} as const;

/** All that is about classes. */
export interface ClassMemory {
  /** By a pool's row. */
  readonly pools: readonly ClassTable[];
  readonly costs: ClassCostTable;
  /** By worker: rings of `TEMPLATE_ROWS` records of `TemplateWord`s. Writer: that worker, while a pool of its has classes. */
  readonly templates: readonly Ring[];
}

/** Places the columns. @param most how many there can be of each. */
export function carveClasses(
  c: Carver,
  most: { readonly pools: number; readonly servers: number; readonly workers: number },
): ClassMemory {
  c.page();
  const costs = { cost: c.float32(most.servers * CLASSES), costId: c.int32(most.servers) };
  const pools = Array.from({ length: most.pools }, (): ClassTable => {
    c.page();
    return {
      words: c.int32(ClassWord.LENGTH),
      placeHash: c.int32(CLASS_COPIES * CLASS_PLACES),
      placeClass: c.int32(CLASS_COPIES * CLASS_PLACES),
      names: c.int32(CLASSES * ClassNameWord.LENGTH),
      figures: c.float64(CLASSES * ClassFigure.LENGTH),
    };
  });
  const templates = Array.from({ length: most.workers }, () => {
    c.page();
    return c.ring(TEMPLATE_ROWS, TemplateWord.LENGTH);
  });
  return { pools, costs, templates };
}
