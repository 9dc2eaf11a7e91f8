/** Processes of the benchmark: started here, ended here, each by its id. */
import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import type { Start } from "./programs.ts";

const END_MS = 5000;
const READY_MS = 15_000;
const READY_POLL_MS = 50;
const running = new Set<Bun.Subprocess>();

/** A child that speaks messages of `In` and hears messages of `Out`. */
export class Child<In, Out extends { readonly type: string }> {
  readonly process: Bun.Subprocess;
  #waiting: { resolve: (message: Out) => void; reject: (error: Error) => void } | null = null;
  #early: Out[] = [];

  constructor(script: string, args: readonly string[], prefix: readonly string[]) {
    this.process = Bun.spawn([...prefix, process.execPath, "--no-install", script, ...args], {
      stdio: ["ignore", "inherit", "inherit"],
      serialization: "json",
      ipc: (message: Out) => {
        if (this.#waiting === null) this.#early.push(message);
        else this.#take()?.resolve(message);
      },
      onExit: (_child, code) => this.#take()?.reject(new Error(`${script} ended with ${code}`)),
    });
    running.add(this.process);
  }

  /** Sends a message and waits for the next one that comes. */
  async ask(message: In, timeoutMs: number): Promise<Out> {
    this.#early = [];
    const answer = this.next(timeoutMs);
    this.process.send(message);
    return await answer;
  }

  /** The next message of the child. */
  async next(timeoutMs: number): Promise<Out> {
    const early = this.#early.shift();
    if (early !== undefined) return early;
    const timer = setTimeout(() => this.#take()?.reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    try {
      return await new Promise<Out>((resolve, reject) => {
        this.#waiting = { resolve, reject };
      });
    } finally {
      clearTimeout(timer);
    }
  }

  #take() {
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }
}

/** A program that serves HTTP, and how one sees that it does. */
export interface ServerProgram extends Start {
  /** Names it in errors. */
  readonly title: string;
  /** Where it runs, so that a `.env` of whoever benchmarks is not read; its errors go to a file there. */
  readonly directory: string;
  /** Answered with 2xx once it serves. */
  readonly readyUrl: string;
  /** `Host` of that request; left out = the URL's. */
  readonly readyHost?: string;
}

/** Starts a program and waits until it answers. Throws an `Error` with what it said when it does not. */
export async function startServer(program: ServerProgram, now: () => number): Promise<Bun.Subprocess> {
  const { command, env, logFile, directory, readyUrl, readyHost, title } = program;
  const errorFile = join(directory, "stderr.log");
  const out = openSync(logFile, "a");
  const errors = openSync(errorFile, "a");
  const { PATH = "/usr/bin:/bin" } = process.env;
  const child = Bun.spawn([...command], { cwd: directory, env: { PATH, ...env }, stdio: ["ignore", out, errors] });
  closeSync(out);
  closeSync(errors);
  running.add(child);
  const deadlineMs = now() + READY_MS;
  while (!(await answers(readyUrl, readyHost))) {
    if (child.exitCode !== null || now() > deadlineMs) {
      await stopProcess(child);
      throw new Error(`${title} does not start:\n${(await Bun.file(errorFile).text()).slice(-2000)}`);
    }
    await Bun.sleep(READY_POLL_MS);
  }
  return child;
}

async function answers(url: string, host?: string): Promise<boolean> {
  try {
    return (await fetch(url, { headers: host === undefined ? {} : { host }, signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

/** Ends a process: SIGTERM, and SIGKILL when that does not help. */
export async function stopProcess(child: Bun.Subprocess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null) return;
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), END_MS);
  await child.exited;
  clearTimeout(timer);
}

/** Ends everything that was started here. */
export async function stopAll(): Promise<void> {
  await Promise.all([...running].map(stopProcess));
}
