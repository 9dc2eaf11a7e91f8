/** What became of a change: said for a while in a corner, read out once, with a way back. */
import { signal } from "@preact/signals";
import { Icon } from "./icon.tsx";

interface Toast {
  readonly id: number;
  readonly tone: "ok" | "bad";
  readonly text: string;
  readonly undo: (() => void) | null;
}

const SHOWN_MS = 12_000;
const toasts = signal<readonly Toast[]>([]);
let next = 1;

/** Says it. @param undo takes back what was said. */
export function say(tone: Toast["tone"], text: string, undo: Toast["undo"] = null): void {
  const toast = { id: next++, tone, text, undo };
  toasts.value = [...toasts.value.slice(-2), toast];
  setTimeout(() => dismiss(toast.id), SHOWN_MS);
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

/** A place where they are shown: on the page, and in each dialog, which can be reached alone while it is open. */
export function Toasts({ shown }: { readonly shown: boolean }) {
  const list = shown ? toasts.value : [];
  return (
    <section class="toasts" aria-label={list.length > 0 ? "Messages" : undefined} aria-live="polite">
      {list.map(({ id, tone, text, undo }) => (
        <div key={id} class={`toast ${tone}`}>
          <p>{text}</p>
          {undo !== null && (
            <button
              type="button"
              class="button small"
              onClick={() => {
                dismiss(id);
                undo();
              }}
            >
              Undo
            </button>
          )}
          <button type="button" class="button quiet small" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </section>
  );
}
