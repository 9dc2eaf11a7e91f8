/** A change that is being thought over: the form, the request it will be, and what it says when it is done. */
import { signal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import type { ChangeRequest, WayBack } from "../../model/change.ts";

/** One input of the form. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly kind: "text" | "number" | "select" | "lines";
  readonly value: string;
  readonly options?: readonly (readonly [value: string, text: string])[];
  readonly hint?: string;
  readonly optional?: boolean;
}

/** What was filled in, by the names of the fields. */
export type FormValues = Readonly<Record<string, string>>;

/** A change, before it is asked for. */
export interface ChangePlan {
  readonly title: string;
  /** What will happen, in a sentence or two. */
  readonly lead: ComponentChildren;
  readonly fields?: readonly Field[];
  /** Throws an `Error` with a sentence while the form is not right. */
  readonly request: (values: FormValues) => ChangeRequest;
  /** Where the thing can be read: its `ETag` goes along, and its values are what an undo puts back. `null` = nowhere. */
  readonly subject: string | null;
  readonly confirm: string;
  readonly danger?: boolean;
  readonly done: (values: FormValues) => string;
  /** Beside the form: what else helps to decide. Nothing waits for it. */
  readonly aside?: (values: FormValues) => ComponentChildren;
  /** Where the API has no trial of it. */
  readonly noTrial?: boolean;
  /** Instead of what the page works out itself. @param subject as it was read when the dialog opened. */
  readonly undo?: (answer: unknown, before: unknown, subject: unknown) => ChangeRequest | WayBack | null;
  /** Why it cannot be undone, in a sentence that is said before. */
  readonly final?: string;
}

/** The one that is open. */
export const openPlan = signal<ChangePlan | null>(null);
/** Grows with every change that was made: lists read themselves again. */
export const changesMade = signal(0);

/** Opens the dialog. */
export function propose(plan: ChangePlan): void {
  openPlan.value = plan;
}

/** A number from a form. Throws a sentence. */
export function numberOf(values: FormValues, name: string, label: string): number {
  const text = values[name]?.trim() ?? "";
  const value = Number(text);
  if (text === "" || !Number.isFinite(value)) throw new Error(`${label} must be a number.`);
  return value;
}
