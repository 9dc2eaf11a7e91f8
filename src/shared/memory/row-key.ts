/** Keys of rows that are found by a number and a name: in tables of workers' blocks (duration-table.ts, mirror-table.ts). */

/** Never 0, which says that a row is free. @param number below 2^21. */
export function rowKey(number: number, name: string): number {
  let hash = 0x811c9dc5; // FNV-1a
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return number * 2 ** 32 + (hash >>> 0) + 1;
}
