/** Reads what workers tell of templates that are no class. */
import { TEMPLATE_BYTES, TEMPLATE_ROWS, TemplateWord } from "../../shared/memory/layout/classes.ts";
import { Header, MAX_POOLS, type SharedMemory } from "../../shared/memory/layout/shared-memory.ts";
import { RingCursor, type Row } from "../../shared/memory/ring.ts";
import { METHODS } from "../../shared/memory/series-table.ts";
import type { NamedTemplate } from "./registry.ts";

/** A template of requests to a pool. */
export interface PoolTemplate extends NamedTemplate {
  /** Row of the pool. */
  readonly pool: number;
}

export class TemplateFeed {
  readonly #memory: SharedMemory;
  readonly #cursors: RingCursor[] = [];

  constructor(memory: SharedMemory) {
    this.#memory = memory;
  }

  /** Hands what is new to `visit`. What cannot be is left out, and nobody misses what was overwritten: it comes again. */
  drain(visit: (template: PoolTemplate) => void): void {
    const { header, classes } = this.#memory;
    for (let worker = 0; worker < header[Header.WORKER_BLOCKS]; worker++) {
      this.#cursors[worker] ??= new RingCursor(classes.templates[worker], TEMPLATE_ROWS, TemplateWord.LENGTH);
      this.#cursors[worker].drain((row) => {
        const template = readTemplate(row);
        if (template !== undefined) visit(template);
      });
    }
  }
}

function readTemplate({ words }: Row): PoolTemplate | undefined {
  const bytes = words[TemplateWord.BYTES];
  const pool = words[TemplateWord.POOL];
  const method = words[TemplateWord.METHOD];
  const isPossible =
    bytes > 0 && bytes <= TEMPLATE_BYTES && pool >= 0 && pool < MAX_POOLS && METHODS[method] !== undefined;
  if (!isPossible || words[TemplateWord.HASH] === 0) return undefined;
  const at = words.byteOffset + TemplateWord.TEXT * Int32Array.BYTES_PER_ELEMENT;
  return {
    hash: words[TemplateWord.HASH],
    parent: words[TemplateWord.PARENT],
    pool,
    route: words[TemplateWord.ROUTE],
    method,
    client: words[TemplateWord.CLIENT],
    text: new TextDecoder().decode(new Uint8Array(words.buffer, at, bytes)),
  };
}
