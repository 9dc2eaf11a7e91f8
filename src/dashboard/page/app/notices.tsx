/** What an operator must know before anything else: no connection, degraded modes and what to do, certificates that end. */

import { adviceFor } from "../model/advice.ts";
import { clock, duration, spokenDuration } from "../model/format/times.ts";
import { Button } from "../widgets/controls.tsx";
import { connection, frame, nowMs, retryNow, topology } from "./live.ts";
import { asksForToken, token, tokenRefused, wantsToken } from "./session.ts";

const SOON_MS = 14 * 86_400_000;

/** One line each; nothing where all is well. */
export function Notices() {
  const now = frame.value;
  return (
    <div class="stack">
      <Lost />
      {now?.instance.degraded.map((mode) => (
        <Degraded key={mode} mode={mode} />
      ))}
      {now?.pools.map((pool) =>
        pool.total > 0 && pool.usable === 0 && pool.rps + pool.total > 0 ? (
          <Notice key={pool.name} tone="bad" title={`Pool ${pool.name} has no server that may be asked`}>
            Requests to it are answered with 503. Servers → {pool.name} says why each of them is out.
          </Notice>
        ) : pool.panic ? (
          <Notice key={pool.name} tone="warn" title={`Pool ${pool.name} is in panic`}>
            {adviceFor("panic").text}
          </Notice>
        ) : null,
      )}
      {topology.value?.certificates
        .filter(({ expires }) => expires - nowMs.value < SOON_MS)
        .map(({ name, expires }) => (
          <Notice
            key={name}
            tone={expires < nowMs.value ? "bad" : "warn"}
            title={`The certificate of ${name} ${expires < nowMs.value ? "has ended" : "ends soon"}`}
          >
            {expires < nowMs.value ? "Clients refuse it. " : `In ${duration(expires - nowMs.value)}. `}A new one in its
            file is read when it changes; why one by ACME is late stands under Settings → Certificates.
          </Notice>
        ))}
    </div>
  );
}

function Degraded({ mode }: { readonly mode: string }) {
  const { title, text } = adviceFor(mode);
  return (
    <Notice tone="warn" title={title}>
      {text}
    </Notice>
  );
}

/** Read out when it begins and when it ends, and not with every second in between. */
function Lost() {
  const state = connection.value;
  const lost = state.state === "lost" && asksForToken.value === null;
  const seen = frame.value;
  if (lost && state.retryAtMs === null && wantsToken.value) return <SignedOut />;
  return (
    <>
      <p class="hidden" role="status">
        {lost
          ? `No connection. ${seen === null ? "" : `The numbers are ${spokenDuration(state.sinceMs - seen.at)} old.`}`
          : state.state === "live"
            ? "Connected."
            : ""}
      </p>
      {lost && (
        <div class="notice bad">
          <strong>No connection to the instance</strong>
          <p>
            {state.why}. {seen !== null && `You see the numbers of ${clock(seen.at)}. `}
            {state.retryAtMs !== null && `Next try in ${duration(state.retryAtMs - nowMs.value)}.`}
          </p>
          <Button class="small" onPress={retryNow}>
            Try now
          </Button>
        </div>
      )}
    </>
  );
}

/** Whoever has closed the dialog finds the way back to it. */
function SignedOut() {
  return (
    <div class="notice warn">
      <strong>{token.value === null ? "You are not signed in" : "Your token was refused"}</strong>
      <p>This instance shows itself to those who have one of its tokens.</p>
      <Button class="small" onPress={tokenRefused}>
        Sign in
      </Button>
    </div>
  );
}

/** A line with a title and what follows from it. */
export function Notice(props: {
  readonly tone: "info" | "warn" | "bad";
  readonly title: string;
  readonly children?: preact.ComponentChildren;
}) {
  return (
    <div class={`notice ${props.tone}`}>
      <strong>{props.title}</strong>
      <p>{props.children}</p>
    </div>
  );
}
