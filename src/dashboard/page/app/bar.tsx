/** The head of the page: which instance, over what its numbers add up, whether they are live, and a way to a request. */
import { useState } from "preact/hooks";
import { duration } from "../model/format/times.ts";
import { Button } from "../widgets/controls.tsx";
import { Badge } from "../widgets/text.tsx";
import { connection, frame, nowMs, topology } from "./live.ts";
import { addressOf } from "./router.ts";
import { readOnlyReason, signOut, token, wantsToken } from "./session.ts";

/** The bar. */
export function Bar() {
  const known = topology.value?.instance;
  return (
    <header class="bar">
      <a class="brand" href={addressOf("overview")} aria-label="NeuraBalancer, overview">
        <Mark />
        <span>NeuraBalancer</span>
      </a>
      {known !== undefined && (
        <p
          class="scope clip"
          title={`${known.name}, version ${known.version}; the numbers add up over ${known.adds_up_over}`}
        >
          <b>{known.name}</b>
          <i> · </i>
          <span>{known.adds_up_over}</span>
        </p>
      )}
      <div class="bar-end">
        <Readiness />
        <LinkState />
        <Find />
        {token.value !== null && (
          <Button
            class="quiet small"
            onPress={signOut}
            label={readOnlyReason.value === null ? "Sign out" : "Sign out (this token only reads)"}
          >
            {readOnlyReason.value === null ? "Sign out" : "Read only · sign out"}
          </Button>
        )}
      </div>
    </header>
  );
}

function Readiness() {
  const instance = frame.value?.instance;
  if (instance === undefined || connection.value.state === "lost") return null;
  if (instance.draining) return <Badge tone="warn">stopping</Badge>;
  return instance.ready ? null : (
    <Badge tone="bad" title="GET /health/ready answers 503">
      not ready
    </Badge>
  );
}

function LinkState() {
  const state = connection.value;
  if (state.state === "live") return <span class="link-state live">live</span>;
  if (state.state === "connecting") return <span class="link-state">connecting</span>;
  if (wantsToken.value && state.retryAtMs === null) return <span class="link-state lost">not signed in</span>;
  const age = frame.value === null ? "" : ` · ${duration(nowMs.value - frame.value.at)} old`;
  return <span class="link-state lost">no connection{age}</span>;
}

function Find() {
  const [id, setId] = useState("");
  return (
    <search>
      <form
        class="find"
        onSubmit={(event) => {
          event.preventDefault();
          if (id.trim() !== "") location.hash = addressOf("requests", id.trim());
        }}
      >
        <input
          class="input"
          type="search"
          aria-label="Explain a request by its id"
          placeholder="Request id"
          value={id}
          onInput={(event) => setId(event.currentTarget.value)}
        />
      </form>
    </search>
  );
}

function Mark() {
  return (
    <svg
      width="20"
      height="20"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.9"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M2 10h4c3.5 0 3-6 7-6h1.6M6 10h8.6M6 10c3.5 0 3 6 7 6h1.6" />
      <circle cx="16.6" cy="4" r="1.6" fill="currentColor" stroke="none" />
      <circle cx="16.6" cy="10" r="1.6" fill="currentColor" stroke="none" />
      <circle cx="16.6" cy="16" r="1.6" fill="currentColor" stroke="none" />
    </svg>
  );
}
