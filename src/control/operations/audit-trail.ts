/** What was changed, by whom and why: in the store, in the log, and on the time line. */

import type { AuditEntry } from "../../shared/operations/audit.ts";
import type { OperationsStore } from "../../storage/operations/store.ts";
import { changeActor, type Events } from "../events/events.ts";
import type { ControlLog } from "../log.ts";
import type { Telling } from "./change.ts";
import { mentionChange } from "./words.ts";

/** What it is made from. */
export interface AuditTrailOptions {
  readonly store: OperationsStore;
  readonly log: ControlLog;
  readonly events: Events;
}

/** One instance's. */
export class AuditTrail {
  readonly #options: AuditTrailOptions;

  constructor(options: AuditTrailOptions) {
    this.#options = options;
  }

  /** Tells it, and keeps it where that works: what is lost is said. Never rejects. */
  async note(entry: AuditEntry, telling: Telling = {}): Promise<void> {
    const { store, log } = this.#options;
    this.tell(entry, telling);
    try {
      await store.note([entry]);
    } catch (error) {
      log.warn({ action: entry.action }, `the audit does not have a change: ${(error as Error).message}`);
    }
  }

  /** In the log and on the time line; the store has it. */
  tell(entry: AuditEntry, { about = {}, words }: Telling = {}): void {
    const { log, events } = this.#options;
    const { actor, client, action, target, before, after, reason, kept, instance } = entry;
    const where = instance === undefined ? "" : ` at instance ${instance}`;
    const why = reason === "" ? "" : `: ${reason}`;
    const lasts = kept ? "" : " (for this run)";
    const what = words ?? `${target}: ${mentionChange(before, after)}`;
    const message = `${what}${lasts}, by ${actor}${where}${why}`;
    log.info({ action, actor, client, before, after, reason, kept, instance }, message);
    events.note({
      ...about,
      kind: "change",
      actor: changeActor(actor, client),
      message,
      detail: { action, target, before, after, reason, kept, instance },
    });
  }
}
