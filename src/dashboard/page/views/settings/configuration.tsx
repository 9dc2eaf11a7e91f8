/** The configuration's files: what is wrong with them, what they would change, and reading them again. */
import { useState } from "preact/hooks";
import { sentenceOf } from "../../api/problem.ts";
import { propose } from "../../app/changing/plan.ts";
import { api } from "../../app/live.ts";
import { inWords } from "../../model/change.ts";
import { ActButton } from "../../widgets/controls.tsx";

interface Validation {
  readonly problems?: readonly unknown[];
  readonly warnings?: readonly unknown[];
  readonly changes?: readonly unknown[];
  /** Overrides that would end. */
  readonly overrides_lost?: readonly unknown[];
}

/** A card with two buttons. */
export function Configuration() {
  const [found, setFound] = useState<Validation | null>(null);
  const [error, setError] = useState<string | null>(null);
  const look = async () => {
    setError(null);
    try {
      const { body } = await api.change<Validation>("POST", "/api/v1/config/validate", {});
      setFound(body);
    } catch (problem) {
      setError(sentenceOf(problem));
    }
  };
  return (
    <section class="card" aria-labelledby="configuration">
      <header>
        <h2 id="configuration">Configuration</h2>
      </header>
      <div class="body stack">
        <p class="dim">What stands in the files now, against what is in force.</p>
        <div class="row">
          <ActButton onPress={() => void look()}>Check the files</ActButton>
          <ActButton onPress={reload}>Reload</ActButton>
        </div>
        <div aria-live="polite" class="stack">
          {error !== null && <p class="error">{error}</p>}
          {found !== null && <Found of={found} />}
        </div>
      </div>
    </section>
  );
}

function Found({ of }: { readonly of: Validation }) {
  const problems = of.problems ?? [];
  const changes = of.changes ?? [];
  return (
    <>
      {problems.length > 0 && <List title="A reload would be refused" of={problems} tone="error" />}
      {problems.length === 0 && changes.length === 0 && <p>A reload would change nothing.</p>}
      {changes.length > 0 && <List title="A reload would change" of={changes} tone="preview" />}
      {(of.overrides_lost ?? []).length > 0 && (
        <List title="Overrides that would end" of={of.overrides_lost!} tone="caution" />
      )}
      {(of.warnings ?? []).length > 0 && <List title="Warnings" of={of.warnings!} tone="caution" />}
    </>
  );
}

function List({ title, of, tone }: { readonly title: string; readonly of: readonly unknown[]; readonly tone: string }) {
  return (
    <div class={tone}>
      <p class="label">{title}</p>
      <ul>
        {of.map((one, i) => (
          <li key={i}>{inWords(one)}</li>
        ))}
      </ul>
    </div>
  );
}

function reload(): void {
  propose({
    title: "Reload the configuration",
    lead: "The files are read and checked; if all is right they are put into force without a request lost. Otherwise nothing changes.",
    subject: null,
    noTrial: true,
    request: () => ({ method: "POST", path: "/api/v1/config/reload", body: {} }),
    confirm: "Reload",
    done: () => "The configuration was read again.",
    final: "what was in force is in no file. Check the files first: that says what would change.",
    undo: () => null,
  });
}
