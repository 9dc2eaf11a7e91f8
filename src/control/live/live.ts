/**
 * What is live of an instance: the last hour in points, the time line, and once a second a frame for those who watch. While
 * nobody does, a look at the counts each five seconds is all the work; while there is no traffic either, not even that.
 */
import type { LiveRecent } from "../../shared/live/recent.ts";
import type { Timeline } from "../../shared/live/timeline.ts";
import type { LiveTopology } from "../../shared/live/topology.ts";
import type { Work } from "../../telemetry/metrics/exposition.ts";
import type { ControlLog } from "../log.ts";
import { FrameMaker } from "./frames.ts";
import { LiveLearningReader } from "./learning.ts";
import { LivePoints, STEP_SECONDS } from "./points.ts";
import { isQuietSince, type Reading, readCounts, readHistograms } from "./reading.ts";
import { emptyStream, LiveStream, message, type WrittenFrame } from "./stream.ts";
import { type TimelineFilter, TimelineMemory } from "./timeline.ts";
import { type Look, queuedNow, type Traffic, trafficBetween } from "./traffic.ts";
import type { LiveView } from "./view.ts";

/** A timer is early or late. */
const SLACK_MS = 200;
/** Rates of frames are over so many seconds. */
const RATE_SECONDS = 5;
/** A frame that is not older serves who comes to watch. */
const FRESH_MS = 900;
/** Events that a watcher who comes again is told at most. */
const MAX_MISSED = 200;
/** With more servers, their points are told of those alone that are asked for. */
const MANY_SERVERS = 24;

/** One instance's. */
export class Live {
  readonly #view: LiveView;
  readonly #log: ControlLog;
  readonly #timeline: TimelineMemory;
  readonly #points = new LivePoints();
  readonly #learning: LiveLearningReader;
  readonly #frames: FrameMaker;
  readonly #stream: LiveStream;
  /** The last two looks that were made a point of, the older one first. */
  #marks: readonly Look[] = [];
  /** Readings of the last seconds, the oldest first; only while somebody watches. */
  readonly #readings: Reading[] = [];
  #written: WrittenFrame | null = null;
  #writtenMs = Number.NEGATIVE_INFINITY;
  #failed = false;

  constructor(view: LiveView, log: ControlLog) {
    this.#view = view;
    this.#log = log;
    this.#timeline = new TimelineMemory(Math.floor(view.wallMs()).toString(36));
    this.#learning = new LiveLearningReader(view);
    this.#frames = new FrameMaker(view, this.#learning);
    this.#stream = new LiveStream(() => view.nowMs());
    view.journal.listen(this.#timeline.add);
    this.#timeline.listen((event) => {
      this.#learning.onEvent(event);
      if (this.#stream.watchers > 0) this.#stream.event(message("event", JSON.stringify(event), event.id));
    });
  }

  /** Looks at the counts when that is due. Never throws. */
  tick(nowMs: number): void {
    try {
      this.#tick(nowMs);
    } catch (error) {
      if (!this.#failed) this.#log.error({ err: error }, "live numbers cannot be made: a bug; this is said once");
      this.#failed = true;
      this.#stream.second(null);
    }
  }

  stop(): void {
    this.#stream.stop();
  }

  /** There are as many who watch as there may be. */
  get full(): boolean {
    return this.#stream.full;
  }

  /** How many watch, and how many were dropped because they did not read. */
  get watchers(): { readonly now: number; readonly dropped: number } {
    return { now: this.#stream.watchers, dropped: this.#stream.dropped };
  }

  /** One more watches. @param lastEventId what it has heard last; `null` = it comes for the first time. */
  watch(lastEventId: string | null): Response {
    const missed = lastEventId === null ? [] : this.#timeline.after(lastEventId, MAX_MISSED);
    const first = missed.map((event) => message("event", JSON.stringify(event), event.id));
    return this.#stream.open(this.#freshFrame(), first);
  }

  /** The answer to who asks for nothing but its head. */
  unwatched(): Response {
    return emptyStream();
  }

  /** What happened, the newest first. */
  timeline(filter: TimelineFilter, limit: number): Timeline {
    return {
      events: this.#timeline.latest(filter, limit),
      last_id: this.#timeline.lastId,
      forgotten: this.#timeline.forgotten,
    };
  }

  /** The last hour, in pieces. @param servers ids; `null` = all, `undefined` = all unless they are many. */
  *recent(servers: readonly number[] | null | undefined): Work<Blob> {
    const wanted = servers !== undefined ? servers : this.#points.servers <= MANY_SERVERS ? null : [];
    const points = yield* this.#points.recent(wanted);
    const recent: LiveRecent = { ...points, topology: this.topology() };
    return new Blob([JSON.stringify(recent)]);
  }

  /** What frames leave out, as it is now. */
  topology(): LiveTopology {
    return this.#frames.topology();
  }

  #tick(nowMs: number): void {
    const marked = this.#marks.at(-1);
    const isPointDue = marked === undefined || nowMs - marked.reading.atMs >= STEP_SECONDS * 1_000 - SLACK_MS;
    const isWatched = this.#stream.watchers > 0;
    if (!isWatched) this.#readings.length = 0;
    if (!isPointDue && !isWatched) return;
    const look = this.#look(nowMs, marked);
    if (isPointDue) this.#mark(look, marked);
    if (isWatched) {
      this.#write(look, nowMs);
      this.#stream.second(this.#written);
    }
    this.#failed = false;
  }

  #look(nowMs: number, marked: Look | undefined): Look {
    if (marked !== undefined && isQuietSince(this.#view, marked.reading)) {
      return { reading: { ...marked.reading, atMs: nowMs }, histograms: marked.histograms };
    }
    return { reading: readCounts(this.#view, nowMs), histograms: readHistograms(this.#view) };
  }

  #mark(look: Look, marked: Look | undefined): void {
    if (marked !== undefined) {
      const { memory, wallMs } = this.#view;
      const traffic = this.#between(marked, look);
      this.#points.add(wallMs(), traffic, queuedNow(look.reading), (slot) => memory.servers.cpuUsagePercent[slot]);
    }
    this.#marks = [...this.#marks.slice(-1), look];
  }

  #between(before: Look, now: Look): Traffic {
    const names = this.#view.fleets.pools().map(({ name }) => name);
    return trafficBetween(before, now, names, (id) => this.#view.poolOf(id));
  }

  #write(look: Look, nowMs: number): void {
    const { reading } = look;
    this.#readings.push(reading);
    while (this.#readings.length > 1 && nowMs - this.#readings[1].atMs >= RATE_SECONDS * 1_000 - SLACK_MS) {
      this.#readings.shift();
    }
    const [mark] = this.#marks;
    const begin = this.#readings.length > 1 ? this.#readings[0] : (mark?.reading ?? reading);
    const before = { reading: begin, histograms: (mark ?? look).histograms };
    const { frame, topology } = this.#frames.make(this.#between(before, look), look);
    const known = this.#written?.topology === topology.topology ? this.#written.topologyBytes : null;
    this.#written = {
      bytes: message("frame", JSON.stringify(frame)),
      topology: topology.topology,
      topologyBytes: known ?? message("topology", JSON.stringify(topology)),
    };
    this.#writtenMs = nowMs;
  }

  #freshFrame(): WrittenFrame {
    const nowMs = this.#view.nowMs();
    if (this.#written === null || nowMs - this.#writtenMs > FRESH_MS) {
      this.#write(this.#look(nowMs, this.#marks.at(-1)), nowMs);
    }
    return this.#written!;
  }
}
