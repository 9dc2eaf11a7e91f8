/** Events as rows: their details are JSON. */
import { EVENT_KINDS, type EventRow, type RecordedEvent } from "../history-store.ts";
import { isCount, keptJson, keptText } from "./checked.ts";
import type { RowKind } from "./row-kind.ts";

/** An event whose details are text. */
export interface StoredEvent extends Omit<EventRow, "detail"> {
  readonly detail: string;
}

/** Of a name; of the sentence; of the details, which are left out when they are longer. */
const NAME_CHARACTERS = 512;
const MESSAGE_CHARACTERS = 4_096;
const DETAIL_CHARACTERS = 16_384;
/** Bytes of a row beside its texts. */
const FIXED_BYTES = 150;

/** How events wait: hardly, unless the store is in trouble; then thousands of them. */
export const EVENT_ROWS: RowKind<EventRow, StoredEvent> = Object.freeze({
  waitingRows: 10_000,
  waitingBytes: 8 * 1024 * 1024,
  flushMs: 200,
  encode: toRow,
  bytesOf: ({ pool, server, address, actor, message, detail }: StoredEvent) =>
    FIXED_BYTES + 2 * (pool.length + server.length + address.length + actor.length + message.length + detail.length),
});

function toRow(event: EventRow): StoredEvent | null {
  const { kind } = event;
  const atMs = Math.floor(event.atMs);
  if (!isCount(atMs) || !EVENT_KINDS.includes(kind)) return null;
  const [pool, server, address, actor] = [event.pool, event.server, event.address, event.actor].map((text) =>
    keptText(text, NAME_CHARACTERS),
  );
  const message = keptText(event.message, MESSAGE_CHARACTERS);
  const detail = keptJson(event.detail, DETAIL_CHARACTERS) ?? '{"left_out":"too long, or nothing that JSON can say"}';
  return { atMs, kind, pool, server, address, actor, message, detail };
}

/** The event of a row that was read. */
export function toEvent(row: StoredEvent & Pick<RecordedEvent, "instance">): RecordedEvent {
  return { ...row, detail: JSON.parse(row.detail) as unknown };
}
