/** What native code heeds and the runtime has no call for: the C library's environment, and its alarm clock. */
import { dlopen } from "bun:ffi";

const FUNCTIONS = {
  setenv: { args: ["cstring", "cstring", "i32"], returns: "i32" },
  alarm: { args: ["u32"], returns: "u32" },
} as const;

const NAMES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ["libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"],
  darwin: ["libSystem.B.dylib"],
};

function open() {
  const names = NAMES[process.platform] ?? [];
  for (const [i, name] of names.entries()) {
    try {
      return dlopen(name, FUNCTIONS).symbols;
    } catch (error) {
      if (i === names.length - 1) throw error;
    }
  }
  throw new Error(`models made elsewhere cannot be run on ${process.platform}`);
}

let opened: ReturnType<typeof open> | undefined;

/** Sets a variable where native code looks: what is written to `process.env` never gets there. Throws where there is no C library. */
export function setNativeVariable(name: string, value: string): void {
  opened ??= open();
  const failed = opened.setenv(Buffer.from(`${name}\0`), Buffer.from(`${value}\0`), 1);
  if (failed !== 0) throw new Error(`setenv ${name} failed`);
}

/**
 * The kernel ends this process after so many seconds, whatever it is doing then, unless this is called again before; 0 =
 * never (alarm(2)). Throws where there is no C library.
 */
export function endProcessIn(seconds: number): void {
  opened ??= open();
  opened.alarm(Math.ceil(seconds));
}
