/**
 * Calls of gRPC by method and status, in one worker's hash table. Clients choose the names of methods, so only those get a row
 * that a server has said it has, and there is a bound on them; the rest is counted together. Writer: that worker, alone. A row
 * becomes visible with its length, after its name and zeros were written; it is never given to another name.
 */

/** Rows, of which the first is for everything else. */
export const GRPC_ROWS = 256;
/** Longest name, `package.Service/Method`, bytes. */
export const GRPC_NAME_BYTES = 128;
/** Statuses 0 … 16, and what ended without one of these. */
export const GRPC_STATUSES = 18;

const OTHERS = 0;
const NO_STATUS = GRPC_STATUSES - 1;
/** Rows that a name may be in, from the one of its hash on. */
const PROBES = 32;
const SLASH = 0x2f;
/** A letter, a digit, or one of `$ - . _` and the slash: 1. */
const NAME_BYTES = new Uint8Array(256);
for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789$-._/") {
  NAME_BYTES[letter.charCodeAt(0)] = 1;
}

/** The columns of a worker's block that this is about. */
export interface GrpcColumns {
  /** Bytes of each row's name; 0 = the row is free. */
  readonly grpcLengths: Int32Array;
  /** `[GRPC_ROWS × GRPC_NAME_BYTES]` bytes. */
  readonly grpcNames: Uint32Array;
  /** `[GRPC_ROWS × GRPC_STATUSES]`. */
  readonly grpcCounts: Float64Array;
}

/** The writing side. */
export class GrpcCounts {
  readonly #lengths: Int32Array;
  readonly #names: Uint8Array;
  readonly #counts: Float64Array;

  constructor({ grpcLengths, grpcNames, grpcCounts }: GrpcColumns) {
    this.#lengths = grpcLengths;
    this.#names = bytesOf(grpcNames);
    this.#counts = grpcCounts;
  }

  /**
   * Counts a call.
   * @param path `buf[start … end)`: `/package.Service/Method`.
   * @param status of gRPC; what is not 0 … 16 is counted as none.
   * @param isReal the server has the method, by its own word.
   */
  count(buf: Uint8Array, start: number, end: number, status: number, isReal: boolean): void {
    const row = isName(buf, start, end) ? this.#rowOf(buf, start + 1, end, isReal) : OTHERS;
    const column = status >= 0 && status < NO_STATUS ? status : NO_STATUS;
    this.#counts[row * GRPC_STATUSES + column]++;
  }

  #rowOf(buf: Uint8Array, start: number, end: number, isReal: boolean): number {
    let hash = 0;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + buf[i]) | 0;
    let row = (Math.imul(hash, 0x9e3779b1) >>> 8) % (GRPC_ROWS - 1);
    for (let probes = 0; probes < PROBES; probes++) {
      const at = row + 1;
      const length = this.#lengths[at];
      if (length === 0) return isReal ? this.#take(at, buf, start, end) : OTHERS;
      if (length === end - start && this.#isNamed(at, buf, start, end)) return at;
      row = (row + 1) % (GRPC_ROWS - 1);
    }
    return OTHERS;
  }

  #isNamed(row: number, buf: Uint8Array, start: number, end: number): boolean {
    const at = row * GRPC_NAME_BYTES - start;
    for (let i = start; i < end; i++) if (this.#names[at + i] !== buf[i]) return false;
    return true;
  }

  #take(row: number, buf: Uint8Array, start: number, end: number): number {
    const at = row * GRPC_NAME_BYTES - start;
    for (let i = start; i < end; i++) this.#names[at + i] = buf[i];
    this.#counts.fill(0, row * GRPC_STATUSES, (row + 1) * GRPC_STATUSES);
    Atomics.store(this.#lengths, row, end - start);
    return row;
  }
}

/** The calls of one method, as a reader sees them. */
export interface GrpcMethodCalls {
  /** Empty = of all that have no row of their own. */
  readonly service: string;
  readonly method: string;
  /** By status; the last is for those without one. */
  readonly counts: Float64Array;
}

/** All that was counted, summed over blocks. */
export function readGrpcCalls(blocks: readonly GrpcColumns[]): GrpcMethodCalls[] {
  const byName = new Map<string, Float64Array>();
  for (const { grpcLengths, grpcNames, grpcCounts } of blocks) {
    for (let row = 0; row < GRPC_ROWS; row++) {
      const length = Atomics.load(grpcLengths, row);
      if (row !== OTHERS && length === 0) continue;
      const at = row * GRPC_NAME_BYTES;
      const name = String.fromCharCode(...bytesOf(grpcNames).subarray(at, at + length));
      const counts = byName.get(name) ?? new Float64Array(GRPC_STATUSES);
      for (let status = 0; status < GRPC_STATUSES; status++) counts[status] += grpcCounts[row * GRPC_STATUSES + status];
      byName.set(name, counts);
    }
  }
  return [...byName].map(([name, counts]) => {
    const slash = name.indexOf("/");
    return { service: name.slice(0, Math.max(slash, 0)), method: name.slice(slash + 1), counts };
  });
}

/** Whether `buf[start … end)` is a slash, a service, a slash and a method, of bytes that names have. */
function isName(buf: Uint8Array, start: number, end: number): boolean {
  if (end - start - 1 > GRPC_NAME_BYTES || buf[start] !== SLASH) return false;
  let slash = 0;
  for (let i = start + 1; i < end; i++) {
    if (NAME_BYTES[buf[i]] === 0) return false;
    if (buf[i] !== SLASH) continue;
    if (slash !== 0) return false;
    slash = i;
  }
  return slash > start + 1 && slash < end - 1;
}

function bytesOf(words: Uint32Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
