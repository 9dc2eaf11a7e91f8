/** What can be pressed and filled in. */
import type { ComponentChildren } from "preact";
import { readOnlyReason } from "../app/session.ts";

interface ButtonProps {
  readonly onPress: () => void;
  /** Why it cannot be pressed; it stays in reach of the keyboard, so that the reason can be read. */
  readonly disabled?: string | null;
  readonly class?: string;
  readonly label?: string;
  readonly children: ComponentChildren;
}

/** A button. */
export function Button({ onPress, disabled = null, label, children, ...rest }: ButtonProps) {
  return (
    <button
      type="button"
      class={`button ${rest.class ?? ""}`}
      aria-label={label}
      aria-disabled={disabled !== null ? "true" : undefined}
      title={disabled ?? undefined}
      onClick={() => disabled === null && onPress()}
    >
      {children}
    </button>
  );
}

/** A button that changes the instance: with a token that only reads, it says so. */
export function ActButton({ disabled = null, ...props }: ButtonProps) {
  return <Button {...props} disabled={readOnlyReason.value ?? disabled} />;
}

/** One of a few. */
export function Segments<T extends string>(props: {
  readonly label: string;
  readonly options: readonly (readonly [value: T, text: string])[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}) {
  return (
    <fieldset class="segments" aria-label={props.label}>
      {props.options.map(([value, text]) => (
        <button key={value} type="button" aria-pressed={value === props.value} onClick={() => props.onChange(value)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
}

/** Words that narrow a list. */
export function Filter(props: {
  readonly label: string;
  readonly value: string;
  readonly onInput: (value: string) => void;
}) {
  return (
    <input
      class="input filter"
      type="search"
      aria-label={props.label}
      placeholder={props.label}
      value={props.value}
      onInput={(event) => props.onInput(event.currentTarget.value)}
    />
  );
}
