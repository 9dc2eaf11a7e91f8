/**
 * Where a process of ours writes its log. A process that the supervisor started has standard error read line by line: what
 * the runtime or a library prints there becomes lines of the log as well. Its own lines go past that, straight to where the
 * supervisor's go: they are lines already, and are read when the supervisor is gone, too.
 */

const STANDARD_ERROR = 2;
/** The first descriptor behind the usual three. */
const BESIDE = 3;
const FLAG = `--log-fd=${BESIDE}`;

/** Appended to the command of a process that is given its log as `BESIDE`. */
export const LOG_FLAGS: readonly string[] = [FLAG];

/** Of this process. */
export function ownLogDescriptor(): number {
  return process.argv.includes(FLAG) ? BESIDE : STANDARD_ERROR;
}
