/** Texts that look the same everywhere: states, times, figures, what is empty. */
import type { ComponentChildren } from "preact";
import { nowMs } from "../app/live.ts";
import type { Figure } from "../model/format/numbers.ts";
import { duration, inUtc, shortTime } from "../model/format/times.ts";
import { type Tone, toneOfState } from "../model/words.ts";

/** A word on a coloured ground. */
export function Badge({ tone, title, children }: { tone: Tone; title?: string; children: ComponentChildren }) {
  return (
    <span class={`badge ${tone}`} title={title}>
      {children}
    </span>
  );
}

/** A server's state. */
export function StateBadge({ state }: { readonly state: string }) {
  return <Badge tone={toneOfState(state)}>{state}</Badge>;
}

/** A moment: the reader's clock, UTC on hover. */
export function Time({ ms }: { readonly ms: number }) {
  if (!Number.isFinite(ms)) return <span class="dim">unknown</span>;
  return (
    <time dateTime={new Date(ms).toISOString()} title={inUtc(ms)}>
      {shortTime(ms, nowMs.value)}
    </time>
  );
}

/** How long ago, growing. */
export function Age({ ms }: { readonly ms: number }) {
  return (
    <time dateTime={new Date(ms).toISOString()} title={inUtc(ms)}>
      {duration(nowMs.value - ms)}
    </time>
  );
}

/** A number with its unit set back. */
export function Value({ of: { value, unit } }: { readonly of: Figure }) {
  return (
    <>
      {value}
      {unit !== "" && <span class="unit"> {unit}</span>}
    </>
  );
}

/** Where nothing is to be shown, and why. */
export function Empty({ children }: { readonly children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Names and what they stand for. */
export function Facts({ of }: { readonly of: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {of.map(([name, value]) => (
        <>
          <dt key={name}>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}
