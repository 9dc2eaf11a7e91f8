/** The worker process: composition root of the request path. It owns its clock and randomness and hands them down. */

import { dirname, join } from "node:path";
import { limitShape } from "../protocol/rate-limit.ts";
import type { FromWorker, ProxySettings, ToWorker, WorkerStart } from "../protocol/worker.ts";
import { openSharedMemory } from "../shared/memory/file.ts";
import { type WorkerBlock, WorkerInfo } from "../shared/memory/layout/shared-memory.ts";
import { WorkerCounter } from "../shared/memory/layout/worker-counters.ts";
import { listenSocketPath } from "../shared/memory/listen-sockets.ts";
import { openLimitFile } from "../shared/memory/rate-limits/limit-file.ts";
import { bootClockOffsetMs } from "../shared/time/boot-clock.ts";
import { WallClock } from "../shared/time/wall-clock.ts";
import { keepAlive } from "../telemetry/keep-alive.ts";
import { endOnUncaught } from "../telemetry/log/last-words.ts";
import { createLogger, type Logger } from "../telemetry/log/logger.ts";
import { replaceableLogger } from "../telemetry/log/replaceable-logger.ts";
import { leaveSignalsToSupervisor } from "../telemetry/supervised-process.ts";
import type { AdminQuery } from "./downstream/admin-query.ts";
import type { AdminResponse } from "./downstream/admin-relay.ts";
import { internalError } from "./internal-error.ts";
import { WakeSockets } from "./pool/queue/wake-sockets.ts";
import { ProxyServer } from "./server.ts";
import { type HandedSocket, offerSockets, takeSockets } from "./sockets/hand-over.ts";
import { Tcp } from "./sockets/tcp.ts";

/** How long the last log lines may take to be written, milliseconds. */
const LOG_CLOSE_MS = 1000;
/** How late timers may be while there is nothing else to do: half a step of the timing wheel, milliseconds. */
const TIMER_SLACK_MS = 25;

const LIFE_SIGNS = {
  heartbeat: WorkerCounter.HEARTBEAT_MS,
  rssBytes: WorkerCounter.RSS_BYTES,
  logDropped: WorkerCounter.LOG_DROPPED,
  descriptorsOpen: WorkerCounter.DESCRIPTORS_OPEN,
} as const;

/** Runs a worker until the supervisor says "drain", or is gone. */
export function runWorker(): void {
  let server: ProxyServer | undefined;
  let setLog: ((settings: ProxySettings) => void) | undefined;
  const tell = (message: FromWorker): void => void process.send?.(message);
  const finish = async (code: number): Promise<never> => {
    await server?.closeLogs(LOG_CLOSE_MS);
    process.exit(code);
  };
  leaveSignalsToSupervisor();
  process.on("message", (message: ToWorker) => {
    if (message.type === "start") {
      try {
        const own = ownLogger(`worker-${message.index}`, message.settings);
        setLog = own.set;
        endOnUncaught(own.log);
        server = start(message, own.log);
        tell({ type: "ready", ports: server.listeners.map(({ port }) => port) });
      } catch (error) {
        tell({ type: "failed", message: (error as Error).message });
        process.exitCode = 1;
        setTimeout(() => process.exit(1), 100); // time for the message to leave
      }
    } else if (message.type === "endpoints") {
      server?.setEndpoints(message.endpoints);
      tell({ type: "settled" });
    } else if (message.type === "settings") {
      setLog?.(message.settings);
      server?.setSettings(message.settings);
      server?.setEndpoints(message.endpoints);
      tell({ type: "settled" });
    } else if (message.type === "challenges") {
      server?.setChallenges(message.challenges);
      tell({ type: "settled" });
    } else if (message.type === "reopen-logs") server?.reopenLogs();
    else if (message.type === "drain") server?.drain(() => void finish(0));
  });
  // The supervisor is gone: finish what is in flight and go too, rather than serve a fleet that nobody watches.
  process.on("disconnect", () => {
    if (server === undefined) process.exit(0);
    server.log.warn("the supervisor is gone: finishing");
    server.drain(() => void finish(0));
  });
}

/** The process's log, which a reload may change while everyone holds it. */
function ownLogger(name: string, first: ProxySettings): { log: Logger; set: (settings: ProxySettings) => void } {
  const make = ({ logLevel, logFormat }: ProxySettings) => createLogger({ level: logLevel, format: logFormat, name });
  let present = first;
  const { log, replace } = replaceableLogger(make(first));
  const set = (settings: ProxySettings): void => {
    const isSame = settings.logLevel === present.logLevel && settings.logFormat === present.logFormat;
    present = settings;
    if (!isSame) replace(make(settings));
  };
  return { log, set };
}

function start(message: WorkerStart, log: Logger): ProxyServer {
  const memory = openSharedMemory(message.memoryPath);
  const block = memory.workers[message.index];
  const { settings } = message;
  block.info[WorkerInfo.PID] = process.pid;
  let bootOffsetMs: number | undefined;
  const wallClock = new WallClock(
    () => performance.now(),
    () => Date.now(),
  );
  const server = new ProxyServer({
    memory,
    block,
    rings: memory.rings[message.index],
    history: memory.history[message.index],
    traces: memory.traces[message.index],
    index: message.index,
    settings,
    endpoints: message.endpoints,
    log,
    now: () => performance.now(),
    epochOffsetMs: () => wallClock.offsetMs(),
    bootOffsetMs: () => {
      bootOffsetMs ??= bootClockOffsetMs(() => performance.now(), performance.timeOrigin);
      return bootOffsetMs;
    },
    random: Math.random,
    seed: crypto.getRandomValues(new Uint32Array(4)),
    admin: (query, signal) => askAdmin(message.adminSocket, query, signal),
    accessLogFd: 1,
    tcp: settings.nativeSockets ? openTcp(block, log) : null,
    wakes: new WakeSockets({
      directory: dirname(message.memoryPath),
      index: message.index,
      block,
      log,
      onError: (error) => internalError({ counters: block.counters, log }, error),
    }),
    openLimit: (limit) => openLimitFile(join(dirname(message.memoryPath), limit.file), limitShape(limit)),
    handed: message.predecessors.flatMap((path) => handedBy(path, log)),
  });
  offer(listenSocketPath(dirname(message.memoryPath), message.index), server, log);
  if (message.challenges.length > 0) server.setChallenges(message.challenges);
  const { counters } = block;
  keepAlive(
    counters,
    LIFE_SIGNS,
    () => Date.now(),
    () => {
      counters[WorkerCounter.DESCRIPTORS_SHORT] = 0; // the next refusal sets it again
    },
  );
  return server;
}

/** Without them it listens beside the other one, whose clients that wait to be accepted may be reset when that ends. */
function handedBy(path: string, log: Logger): readonly HandedSocket[] {
  try {
    return takeSockets(path);
  } catch (error) {
    log.warn(
      { err: error, path },
      "a worker of the instance before does not hand over its sockets: own ones are opened",
    );
    return [];
  }
}

function offer(path: string, server: ProxyServer, log: Logger): void {
  try {
    offerSockets(path, () => server.handedOver);
  } catch (error) {
    log.warn({ err: error, path }, "sockets cannot be handed over to an instance that takes over from this one");
  }
}

/** Our own sockets; null, which is counted as a degraded mode, where the system does not allow them. */
function openTcp(block: WorkerBlock, log: Logger): Tcp | null {
  block.counters[WorkerCounter.SOCKETS_DEGRADED] = 0;
  try {
    return new Tcp(
      () => performance.now(),
      TIMER_SLACK_MS,
      (error) => internalError({ counters: block.counters, log }, error),
    );
  } catch (error) {
    block.counters[WorkerCounter.SOCKETS_DEGRADED] = 1;
    log.warn({ err: error }, "no sockets of our own: the runtime's are used, which cost more");
    return null;
  }
}

/** Asks the control process. What is compressed stays so: clients get it as it is. */
async function askAdmin(
  socket: string,
  { path, accept, encoding }: AdminQuery,
  signal: AbortSignal,
): Promise<AdminResponse> {
  const response = await fetch(`http://localhost${path}`, {
    unix: socket,
    headers: { accept, "accept-encoding": encoding },
    decompress: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(ADMIN_TIMEOUT_MS)]),
  });
  const { status, headers } = response;
  const retryAfter = headers.get("retry-after");
  return {
    status,
    type: headers.get("content-type") ?? "text/plain",
    body: await response.bytes(),
    encoding: headers.get("content-encoding"),
    vary: headers.get("vary"),
    retryAfter: retryAfter === null ? null : Number(retryAfter),
  };
}

const ADMIN_TIMEOUT_MS = 5000;
