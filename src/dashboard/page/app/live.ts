/** What is known of the instance, as signals: every view reads from here. */
import { computed, effect, signal } from "@preact/signals";
import type { LiveFrame } from "../../../shared/live/frame.ts";
import type { LiveRecent } from "../../../shared/live/recent.ts";
import type { Timeline, TimelineEvent } from "../../../shared/live/timeline.ts";
import type { LiveTopology } from "../../../shared/live/topology.ts";
import { ApiClient } from "../api/client.ts";
import { LiveStream } from "../api/live-stream.ts";
import { type ApiProblem, sentenceOf } from "../api/problem.ts";
import { withEvents } from "../model/events.ts";
import { ofPool, ofServer, Recent } from "../model/recent.ts";
import { serverRows } from "../model/server-list.ts";
import { asksForToken, readOnlyReason, token, tokenRefused, wantsToken } from "./session.ts";

/** Whether numbers come. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "lost"; readonly why: string; readonly sinceMs: number; readonly retryAtMs: number | null };

/** How things stand with the stream. */
export const connection = signal<Connection>({ state: "connecting" });
/** Names. */
export const topology = signal<LiveTopology | null>(null);
/** The last second. */
export const frame = signal<LiveFrame | null>(null);
/** What happened, newest first. */
export const events = signal<readonly TimelineEvent[]>([]);
/** The reader's clock, once a second. */
export const nowMs = signal(Date.now());
/** Servers with names and numbers. */
export const servers = computed(() => serverRows(topology.value, frame.value));
/** Points for charts; read again with every frame. */
export const recent = new Recent();
/** Grows when all of `recent` is new. */
export const recentVersion = signal(0);

/** Everything that is asked goes through here. */
export const api = new ApiClient(() => token.value, tokenRefused);

const stream = new LiveStream(
  {
    frame: (next) => {
      recent.add(next);
      frame.value = next;
    },
    topology: takeTopology,
    event: (event) => {
      events.value = withEvents(events.value, [event]);
    },
    connected: () => {
      wantsToken.value = false;
      connection.value = { state: "live" };
      void catchUp();
    },
    lost: (problem, retryMs) => {
      const sinceMs = connection.value.state === "lost" ? connection.value.sinceMs : Date.now();
      const retryAtMs = retryMs === null ? null : Date.now() + retryMs;
      connection.value = { state: "lost", why: sentenceOf(problem), sinceMs, retryAtMs };
    },
  },
  {
    open: (path, headers, signal) => api.open(path, headers, signal),
    after: (ms, then) => {
      const timer = setTimeout(then, ms);
      return () => clearTimeout(timer);
    },
    chance: () => Math.random(),
  },
);

/** Begins to listen, and again whenever there is another token. */
export function startLive(): void {
  effect(() => {
    void token.value;
    stream.start();
  });
  setInterval(() => {
    if (document.visibilityState === "visible") nowMs.value = Date.now();
  }, 1000);
  addEventListener("online", retryNow);
}

/** Does not wait any longer. */
export function retryNow(): void {
  if (connection.value.state === "lost" && asksForToken.value === null) stream.start();
}

function takeTopology(next: LiveTopology): void {
  topology.value = next;
  recent.keepOnly(
    new Set([...next.pools.map(({ name }) => ofPool(name)), ...next.servers.map(({ id }) => ofServer(id))]),
  );
}

/** The last hour and what happened in it; without them the charts begin now. */
async function catchUp(): Promise<void> {
  const [hour, line] = await Promise.allSettled([
    api.get<LiveRecent>("/api/v1/live/recent"),
    api.get<Timeline>("/api/v1/timeline?limit=2000"),
  ]);
  if (hour.status === "fulfilled") {
    recent.fill(hour.value.body);
    recentVersion.value++;
  }
  if (line.status === "fulfilled") events.value = withEvents([], line.value.body.events);
  if (token.value !== null) await findScope();
  const refused = [hour, line].find((one) => one.status === "rejected" && (one.reason as ApiProblem).status === 401);
  if (refused !== undefined) stream.stop();
}

/** Whether the token may change anything: asked by trying out a change of nothing. */
async function findScope(): Promise<void> {
  try {
    await api.change("PATCH", "/api/v1/settings", {}, { dryRun: true });
    readOnlyReason.value = null;
  } catch (error) {
    readOnlyReason.value = (error as ApiProblem).status === 403 ? (error as ApiProblem).message : null;
  }
}
