/** A modal dialog of the browser's own: it keeps the focus, gives it back, and closes with Escape. */
import { computed, signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { Toasts } from "./toasts.tsx";

/** Those that are open, the one on top last. */
const open = signal<readonly string[]>([]);
/** A dialog is open: nothing beside it can be reached. */
export const isDialogOpen = computed(() => open.value.length > 0);

/** Open as long as it is drawn. */
export function Dialog(props: {
  readonly title: ComponentChildren;
  readonly kind?: "wide" | "side" | "";
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = ref.current!;
    if (!dialog.open) dialog.showModal();
    open.value = [...open.peek(), id];
    return () => {
      open.value = open.peek().filter((one) => one !== id);
      dialog.close();
    };
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a press beside the dialog closes it, as Escape does
    <dialog
      ref={ref}
      class={props.kind}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        props.onClose();
      }}
      onClick={(event) => event.target === event.currentTarget && isBeside(event) && props.onClose()}
    >
      <header>
        <h2 id={id}>{props.title}</h2>
        <button type="button" class="button quiet" aria-label="Close" onClick={props.onClose}>
          <Icon name="close" />
        </button>
      </header>
      {props.children}
      <Toasts shown={open.value.at(-1) === id} />
    </dialog>
  );
}

/** On the backdrop: outside of the dialog's own box. */
function isBeside(event: MouseEvent): boolean {
  const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}
