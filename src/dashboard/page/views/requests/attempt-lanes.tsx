/** The attempts of a request over its time: waiting, connecting, until the head, until the end. */
import type { ExplainedAttempt, Explanation } from "../../../../shared/explanation/explanation.ts";
import { latency } from "../../model/format/numbers.ts";

const WIDTH = 1000;

/** A lane for each, below one for the queue. */
export function AttemptLanes({ of }: { readonly of: Explanation }) {
  const begin = Date.parse(of.began_at);
  const offsets = of.attempts.map(({ at }) => Math.max(0, Date.parse(at) - begin));
  const whole = Math.max(
    of.duration_ms,
    ...of.attempts.map((attempt, i) => offsets[i] + (attempt.total_ms ?? 0)),
    0.001,
  );
  const scale = WIDTH / whole;
  return (
    <div class="stack">
      <ul class="lanes">
        {of.waited_ms > 0 && (
          <li class="lane">
            <span>{wasHeld(of) ? "held" : "queue"}</span>
            <Lane
              label={`${latency(of.waited_ms)} ${wasHeld(of) ? "held" : "in the queue"}`}
              parts={[["wait", 0, of.waited_ms * scale]]}
            />
          </li>
        )}
        {of.attempts.map((attempt, i) => (
          <li class="lane" key={`${attempt.at} ${i}`}>
            <span class="clip">
              {attempt.kind} <b>{attempt.url?.replace(/^[a-z0-9]+:\/\//, "") ?? "a server that has left"}</b>
            </span>
            <Lane label={describe(attempt)} parts={partsOf(attempt, offsets[i], scale)} />
          </li>
        ))}
      </ul>
      <p class="legend" aria-hidden="true">
        <span class="key">
          <i class="dot series-2" /> waited
        </span>
        <span class="key">
          <i class="dot series-5" /> connecting
        </span>
        <span class="key">
          <i class="dot" /> until the head
        </span>
        <span class="key">
          <i class="dot series-3" /> until the end
        </span>
        <span class="key">
          <i class="dot series-bad" /> failed
        </span>
        <span>{latency(whole)} in all</span>
      </p>
    </div>
  );
}

/** It waited because of learned limits. */
export function wasHeld({ attempts }: Pick<Explanation, "attempts">): boolean {
  return attempts.some(({ held_ms }) => held_ms > 0);
}

type Part = readonly [kind: string, x: number, width: number];

function partsOf(attempt: ExplainedAttempt, offset: number, scale: number): Part[] {
  const connect = attempt.connect_ms ?? 0;
  const head = attempt.head_ms ?? attempt.total_ms ?? connect;
  const total = attempt.total_ms ?? head;
  const failed = attempt.failure !== null;
  return [
    ["connect", offset * scale, connect * scale],
    [failed && attempt.head_ms === null ? "failed" : "head-time", (offset + connect) * scale, (head - connect) * scale],
    [failed ? "failed" : "body-time", (offset + head) * scale, (total - head) * scale],
  ];
}

function Lane({ label, parts }: { readonly label: string; readonly parts: readonly Part[] }) {
  return (
    <svg viewBox={`0 0 ${WIDTH} 16`} preserveAspectRatio="none" role="img" aria-label={label}>
      <rect class="track" width={WIDTH} height="16" />
      {parts.map(
        ([kind, x, width]) =>
          width > 0 && <rect key={kind + x} class={kind} x={x} y="2" width={Math.max(width, 2)} height="12" />,
      )}
    </svg>
  );
}

function describe({ kind, connect_ms, head_ms, total_ms, failure }: ExplainedAttempt): string {
  const steps = [
    connect_ms ? `connected after ${latency(connect_ms)}` : "",
    head_ms === null ? "no response head" : `head after ${latency(head_ms)}`,
    total_ms === null ? "" : `over after ${latency(total_ms)}`,
    failure ?? "",
  ];
  return `${kind}: ${steps.filter(Boolean).join(", ")}`;
}
