/** Asks before a change: what will happen (the instance itself is asked), why, and for how long it lasts; then makes it. */
import { useEffect, useState } from "preact/hooks";
import { ApiProblem, sentenceOf } from "../../api/problem.ts";
import type { ChangeAnswer } from "../../api/shapes.ts";
import { type ChangeRequest, differences, undoOf, type WayBack } from "../../model/change.ts";
import { Button } from "../../widgets/controls.tsx";
import { Dialog } from "../../widgets/dialog.tsx";
import { say } from "../../widgets/toasts.tsx";
import { api } from "../live.ts";
import { readOnlyReason } from "../session.ts";
import { type ChangePlan, changesMade, type Field, type FormValues, openPlan } from "./plan.ts";
import { Reach, useInstances } from "./reach.tsx";

/** The dialog, while a change is proposed. */
export function ChangeDialog() {
  const plan = openPlan.value;
  if (plan === null) return null;
  return <PlanDialog key={plan.title} plan={plan} />;
}

const TRIAL_DELAY_MS = 250;

function PlanDialog({ plan }: { readonly plan: ChangePlan }) {
  const [values, setValues] = useState<FormValues>(() => ({ reason: "", ...initialOf(plan) }));
  const [keep, setKeep] = useState(true);
  const [canBeKept, setCanBeKept] = useState(true);
  const [hereOnly, setHereOnly] = useState(false);
  const [error, setError] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const subject = useSubject(plan.subject);
  const trial = useTrial(plan, values);
  const instances = useInstances(plan.noTrial !== true);
  const request = requestOf(plan, values);
  const isForAll = typeof request === "string" || request.hereOnly !== true;
  const close = () => {
    openPlan.value = null;
  };
  const make = async () => {
    if (busy) return;
    setError(null);
    setBusy(true);
    try {
      await makeChange(plan, values, { keep, hereOnly }, subject);
      close();
    } catch (problem) {
      if (problem instanceof ApiProblem && problem.code === "not_kept") setCanBeKept(false);
      setError(sentenceOf(problem));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={plan.title} onClose={close}>
      <form
        class="body"
        id="change"
        onSubmit={(event) => {
          event.preventDefault();
          void make();
        }}
      >
        <p>
          {plan.lead}
          {plan.final !== undefined && <strong> It cannot be undone: {plan.final}</strong>}
        </p>
        {(plan.fields ?? []).map((field) => (
          <FormField
            key={field.name}
            field={field}
            value={values[field.name] ?? ""}
            onInput={(text) => setValues({ ...values, [field.name]: text })}
          />
        ))}
        {plan.aside?.(values)}
        <Trial of={trial} />
        <FormField
          field={{
            name: "reason",
            label: "Reason",
            kind: "text",
            value: "",
            optional: true,
            hint: "Kept in the audit with your name.",
          }}
          value={values.reason}
          onInput={(reason) => setValues({ ...values, reason })}
        />
        {instances > 1 && keep && isForAll && (
          <Reach instances={instances} hereOnly={hereOnly} onChange={setHereOnly} />
        )}
        {!canBeKept && (
          <label class="row">
            <input type="checkbox" checked={!keep} onChange={(event) => setKeep(!event.currentTarget.checked)} />
            Only until this instance is restarted
          </label>
        )}
        <div role="alert">{error !== null && <p class="error">{error}</p>}</div>
      </form>
      <footer>
        <Button onPress={close}>Cancel</Button>
        <button
          type="submit"
          form="change"
          class={`button primary ${plan.danger ? "danger" : ""}`}
          aria-disabled={busy || undefined}
        >
          {busy ? "Working…" : plan.confirm}
        </button>
      </footer>
    </Dialog>
  );
}

function initialOf(plan: ChangePlan): FormValues {
  return Object.fromEntries((plan.fields ?? []).map(({ name, value }) => [name, value]));
}

interface Subject {
  readonly etag: string | null;
  readonly body: unknown;
}

/** What the change is made to, as it was when the dialog opened. */
function useSubject(path: string | null): Subject | null {
  const [subject, setSubject] = useState<Subject | null>(null);
  useEffect(() => {
    if (path === null) return;
    const abort = new AbortController();
    api.get(path, abort.signal).then(setSubject, () => setSubject({ etag: null, body: null }));
    return () => abort.abort();
  }, [path]);
  return subject;
}

interface TrialState {
  readonly answer: ChangeAnswer | null;
  readonly error: string | null;
}

/** What the instance says would happen, a moment after the last key. */
function useTrial(plan: ChangePlan, values: FormValues): TrialState | null {
  const [state, setState] = useState<TrialState | null>(null);
  const request = requestOf(plan, values);
  const key = typeof request === "string" ? request : JSON.stringify(request);
  useEffect(() => {
    if (plan.noTrial === true || typeof request === "string") return setState(null);
    // Trials may be answered in another order than they were asked in.
    let isAsked = true;
    const show = (trial: TrialState) => isAsked && setState(trial);
    const timer = setTimeout(async () => {
      try {
        const answer = await tryOut(request);
        const before = answer?.before;
        show({ answer: { before, after: answer?.after, warnings: answer?.warnings }, error: null });
      } catch (error) {
        show({ answer: null, error: sentenceOf(error) });
      }
    }, TRIAL_DELAY_MS);
    return () => {
      isAsked = false;
      clearTimeout(timer);
    };
  }, [key]);
  return state;
}

function Trial({ of }: { readonly of: TrialState | null }) {
  if (of === null) return null;
  if (of.error !== null) return <p class="caution">{of.error}</p>;
  const changed = differences(of.answer?.before, of.answer?.after).filter(({ name }) => !NUMBERS_OF_NOW.has(name));
  const warnings = of.answer?.warnings ?? [];
  return (
    <>
      {changed.length > 0 && changed.length <= 12 && (
        <div class="preview">
          <p class="label">What will be different</p>
          <ul>
            {changed.map(({ name, before, after }) => (
              <li key={name}>
                {name !== "" && `${name}: `}
                <span class="was">{before}</span> → <strong>{after}</strong>
              </li>
            ))}
          </ul>
        </div>
      )}
      {warnings.map((warning) => (
        <p key={warning} class="caution">
          {warning}
        </p>
      ))}
    </>
  );
}

/** They differ from one moment to the next, whatever is changed. */
const NUMBERS_OF_NOW = new Set(["in flight", "active connections", "requests", "since", "warnings", "dry run"]);

function requestOf(plan: ChangePlan, values: FormValues): ChangeRequest | string {
  try {
    return plan.request(values);
  } catch (error) {
    return (error as Error).message;
  }
}

/** For how long, and for whom. */
interface Terms {
  readonly keep?: boolean;
  readonly hereOnly?: boolean;
}

async function makeChange(plan: ChangePlan, values: FormValues, terms: Terms, subject: Subject | null): Promise<void> {
  const request = plan.request(values);
  const done = plan.done(values);
  // What was before is told by a trial alone: by the names that are sent, without the numbers of now.
  const before = plan.noTrial === true ? null : (await tryOut(request))?.before;
  const answer = await send(request, values.reason, {
    ...terms,
    hereOnly: request.hereOnly ?? terms.hereOnly,
    ifMatch: subject?.etag ?? null,
  });
  const undo = plan.undo === undefined ? undoOf(request, before) : plan.undo(answer, before, subject?.body ?? null);
  say("ok", done, undo === null ? null : () => void takeBack(undo, done, terms.hereOnly));
}

/** What would come of it. */
async function tryOut({ method, path, body }: ChangeRequest): Promise<ChangeAnswer | null> {
  return (await api.change<ChangeAnswer | null>(method, path, body, { dryRun: true })).body;
}

/** Takes a change back, and says so. @param hereOnly it was made for this instance alone. */
export async function takeBack(undo: ChangeRequest | WayBack, what: string, hereOnly = false): Promise<void> {
  const steps: WayBack = "method" in undo ? [() => undo] : undo;
  try {
    let answer: unknown = null;
    for (const step of steps) {
      const request = await step(answer);
      if (request === null) throw new Error("What it was about is gone.");
      // A reason that was there before comes back with what it was the reason of.
      const reason = typeof request.body?.reason === "string" ? "" : `undo: ${what}`.slice(0, 500);
      answer = await send(
        request,
        reason,
        request.keep === false ? { keep: false } : { hereOnly: request.hereOnly ?? hereOnly },
      );
    }
    say("ok", "Taken back.");
  } catch (error) {
    say("bad", `Not taken back. ${sentenceOf(error)}`);
  }
}

async function send(
  { method, path, body }: ChangeRequest,
  reason: string,
  options: Terms & { readonly ifMatch?: string | null },
): Promise<ChangeAnswer | null> {
  const why = reason.trim() === "" ? {} : { reason: reason.trim() };
  try {
    // What is removed has no body to say why in.
    const query =
      method === "DELETE" && reason.trim() !== "" ? `${path}?reason=${encodeURIComponent(reason.trim())}` : path;
    const { body: answer } = await api.change<ChangeAnswer | null>(
      method,
      query,
      body === null ? (method === "DELETE" ? null : why) : { ...body, ...why },
      options,
    );
    changesMade.value++;
    return answer;
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 403) readOnlyReason.value = error.message;
    throw error;
  }
}

function FormField(props: { readonly field: Field; readonly value: string; readonly onInput: (text: string) => void }) {
  const { field, value, onInput } = props;
  const id = `field-${field.name}`;
  const common = { id, class: "input", "aria-describedby": field.hint === undefined ? undefined : `${id}-hint` };
  return (
    <div class="field">
      <label for={id}>
        {field.label}
        {field.optional && <span class="dim"> (optional)</span>}
      </label>
      {field.kind === "select" ? (
        <select {...common} value={value} onChange={(event) => onInput(event.currentTarget.value)}>
          {field.options?.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      ) : field.kind === "lines" ? (
        <textarea {...common} rows={3} value={value} onInput={(event) => onInput(event.currentTarget.value)} />
      ) : (
        <input
          {...common}
          type="text"
          inputMode={field.kind === "number" ? "decimal" : "text"}
          autocomplete="off"
          maxLength={field.name === "reason" ? 500 : undefined}
          value={value}
          onInput={(event) => onInput(event.currentTarget.value)}
        />
      )}
      {field.hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {field.hint}
        </p>
      )}
    </div>
  );
}
