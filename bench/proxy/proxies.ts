/** Proxies while they run: started with the same setup, checked, and asked what they have used. */
import { mkdirSync, truncateSync } from "node:fs";
import { startServer, stopProcess } from "../common/children.ts";
import { SITE } from "../load/requests.ts";
import type { Peer, PeerSetup } from "./peers/peer.ts";
import { asideOf, cpuUs, readTree, type TreeUsage, treePids } from "./process-tree.ts";

const LOG_MS = 5000;
const ASIDE_MS = 5000;

export class RunningProxy {
  readonly peer: Peer;
  readonly port: number;
  readonly tlsPort: number;
  readonly h2Port: number;
  readonly accessLog: boolean;
  readonly #process: Bun.Subprocess;
  readonly #logFile: string;
  /** Lines that its access log should have since it was last emptied. */
  #expectedLines = 0;
  #pids: readonly number[] = [];
  #aside: readonly number[] = [];

  private constructor(peer: Peer, setup: PeerSetup, child: Bun.Subprocess, logFile: string) {
    this.peer = peer;
    this.port = setup.port;
    this.tlsPort = setup.tlsPort;
    this.h2Port = setup.h2Port;
    this.accessLog = setup.accessLog;
    this.#process = child;
    this.#logFile = logFile;
  }

  /**
   * Starts a peer and waits until it answers. Throws an `Error` with what it said when it does not.
   * @param prefix goes before its command, such as `taskset -c 1`.
   */
  static async start(
    peer: Peer,
    setup: PeerSetup,
    prefix: readonly string[],
    now: () => number,
  ): Promise<RunningProxy> {
    mkdirSync(setup.directory, { recursive: true });
    const start = peer.prepare(setup);
    const child = await startServer(
      {
        ...start,
        command: [...prefix, ...start.command],
        title: peer.title,
        directory: setup.directory,
        readyUrl: `http://127.0.0.1:${setup.port}/echo`,
        readyHost: SITE,
      },
      now,
    );
    const proxy = new RunningProxy(peer, setup, child, start.logFile);
    const deadlineMs = now() + ASIDE_MS;
    do {
      proxy.#pids = treePids(child.pid);
      proxy.#aside = asideOf(proxy.#pids);
      if (proxy.#aside.length >= (peer.aside ?? 0)) return proxy;
      await Bun.sleep(50); // it serves before its learner is there, its recorder or its tracer
    } while (now() < deadlineMs);
    throw new Error(`${peer.title} has not all of its processes`);
  }

  /** CPU time so far, microseconds. Cheap: it asks only the processes that there were at the start. */
  cpuUs(): number {
    return cpuUs(this.#pids);
  }

  /** Of these, those of learner, recorder and tracer. */
  asideCpuUs(): number {
    return cpuUs(this.#aside);
  }

  /** Throws an `Error` when a process of its has ended or was replaced. */
  usage(): TreeUsage {
    const usage = readTree(this.#process.pid);
    if (this.#pids.some((pid) => !usage.pids.includes(pid))) throw new Error(`${this.peer.title} lost a process`);
    return usage;
  }

  /** So many requests were sent. */
  expectLines(requests: number): void {
    this.#expectedLines += requests;
  }

  /** Empties the access log. Before anything counts, and after `checkLog`. */
  emptyLog(): void {
    this.#expectedLines = 0;
    if (this.accessLog && this.peer.proxies) truncateSync(this.#logFile);
  }

  /** How many lines the access log lacks, or has too many, for the requests that were sent; then empties it. */
  async checkLog(now: () => number): Promise<number> {
    if (!this.accessLog || !this.peer.proxies) return 0;
    const deadlineMs = now() + LOG_MS;
    let lines = await countLines(this.#logFile);
    while (lines !== this.#expectedLines && now() < deadlineMs) {
      await Bun.sleep(100);
      lines = await countLines(this.#logFile);
    }
    const difference = lines - this.#expectedLines;
    this.emptyLog();
    return difference;
  }

  stop(): Promise<void> {
    return stopProcess(this.#process);
  }
}

async function countLines(file: string): Promise<number> {
  let lines = 0;
  for await (const chunk of Bun.file(file).stream()) {
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines++;
  }
  return lines;
}
