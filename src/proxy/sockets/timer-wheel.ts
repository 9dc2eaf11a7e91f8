/**
 * One timing wheel for all deadlines of a worker (after Varghese and Lauck, 1987), because Bun's socket timeouts tick in
 * 4-second steps and `setTimeout` costs a third of a microsecond per request.
 *
 * Deadlines are lazy: moving one later only writes a field, and the wheel finds out when the old slot comes round. Only
 * a deadline that moves before its scheduled slot is relinked.
 */

/** Something with a deadline. Subclasses say what happens when it passes. */
export abstract class Timed {
  /** Monotonic milliseconds; `Infinity` = none. Set it through `TimerWheel.set`. */
  deadlineMs = Number.POSITIVE_INFINITY;
  /** Links and the tick of the slot that holds this node; only the wheel touches them. -1 = in no slot. */
  scheduledTick = -1;
  next: Timed | null = null;
  previous: Timed | null = null;

  /** The deadline passed. It is unset by then. */
  abstract onDeadline(nowMs: number): void;
}

class SlotList extends Timed {
  override onDeadline(): void {}
}

export class TimerWheel {
  readonly #slots: SlotList[] = [];
  readonly #due: Timed[] = [];
  readonly #mask: number;
  readonly tickMs: number;
  #tick: number;

  /** @param slots a power of two; deadlines further away than `slots × tickMs` go round more than once. */
  constructor(nowMs: number, tickMs = 50, slots = 1024) {
    this.tickMs = tickMs;
    this.#mask = slots - 1;
    for (let i = 0; i < slots; i++) this.#slots.push(new SlotList());
    this.#tick = Math.floor(nowMs / tickMs);
  }

  /** Gives `node` the deadline `deadlineMs`; it fires at most one tick late. */
  set(node: Timed, deadlineMs: number): void {
    node.deadlineMs = deadlineMs;
    const due = this.#dueTick(deadlineMs);
    if (node.scheduledTick >= 0) {
      if (due >= node.scheduledTick) return;
      unlink(node);
    }
    if (deadlineMs !== Number.POSITIVE_INFINITY) this.#link(node, due);
  }

  /** Takes the deadline away. The node leaves the wheel when its slot comes round. */
  clear(node: Timed): void {
    node.deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** Takes the node out at once, so that nothing refers to it any more. */
  remove(node: Timed): void {
    node.deadlineMs = Number.POSITIVE_INFINITY;
    if (node.scheduledTick >= 0) unlink(node);
  }

  /** Fires all deadlines that have passed. */
  advance(nowMs: number): void {
    const target = Math.floor(nowMs / this.tickMs);
    // After a long stall one round visits every slot; more would find nothing new.
    if (target - this.#tick > this.#mask) this.#tick = target - this.#mask - 1;
    while (this.#tick < target) {
      this.#tick++;
      this.#runSlot(this.#slots[this.#tick & this.#mask], nowMs);
    }
  }

  #runSlot(slot: SlotList, nowMs: number): void {
    // The nodes are copied off first: what fires may relink or remove any of them, or link new ones into this very slot.
    const due = this.#due;
    for (let node = slot.next; node !== null; ) {
      const following: Timed | null = node.next;
      node.next = null;
      node.previous = null;
      node.scheduledTick = -1;
      due.push(node);
      node = following;
    }
    slot.next = null;
    for (const node of due) {
      if (node.scheduledTick >= 0) continue; // what fired before it gave it a new deadline
      if (node.deadlineMs <= nowMs) {
        node.deadlineMs = Number.POSITIVE_INFINITY;
        node.onDeadline(nowMs);
      } else if (node.deadlineMs !== Number.POSITIVE_INFINITY) {
        this.#link(node, this.#dueTick(node.deadlineMs));
      }
    }
    due.length = 0;
  }

  /** First tick at whose start the deadline has passed for certain. */
  #dueTick(deadlineMs: number): number {
    return deadlineMs === Number.POSITIVE_INFINITY ? deadlineMs : Math.floor(deadlineMs / this.tickMs) + 1;
  }

  #link(node: Timed, due: number): void {
    const tick = Math.min(Math.max(due, this.#tick + 1), this.#tick + this.#mask);
    const slot = this.#slots[tick & this.#mask];
    node.scheduledTick = tick;
    node.next = slot.next;
    node.previous = slot;
    if (slot.next !== null) slot.next.previous = node;
    slot.next = node;
  }
}

function unlink(node: Timed): void {
  if (node.previous !== null) node.previous.next = node.next;
  if (node.next !== null) node.next.previous = node.previous;
  node.next = null;
  node.previous = null;
  node.scheduledTick = -1;
}
