/** Who is here: the token of this tab, and what it may do. Kept in sessionStorage, gone with the tab. */
import { signal } from "@preact/signals";

const KEY = "neurabalancer-token";

/** The token; `null` = none is given. */
export const token = signal<string | null>(stored());
/** A token is asked for: why, in a sentence; `null` = nothing is asked. */
export const asksForToken = signal<string | null>(null);
/** The instance wants a token, and has no right one. It stays so when the question is put aside. */
export const wantsToken = signal(false);
/** Why nothing may be changed; `null` = it may, as far as is known. */
export const readOnlyReason = signal<string | null>(null);

/** Takes a token for this tab. */
export function signIn(text: string): void {
  token.value = text;
  wantsToken.value = false;
  asksForToken.value = null;
  readOnlyReason.value = null;
  storage()?.setItem(KEY, text);
}

/** Forgets it. */
export function signOut(): void {
  token.value = null;
  readOnlyReason.value = null;
  storage()?.removeItem(KEY);
}

/** The API said 401. */
export function tokenRefused(): void {
  wantsToken.value = true;
  asksForToken.value =
    token.value === null
      ? "This instance asks for a token."
      : "This token was refused. Look for a missing letter, or whether it is still configured.";
}

function stored(): string | null {
  return storage()?.getItem(KEY) ?? null;
}

/** Some browsers refuse it, by throwing. */
function storage(): Storage | null {
  try {
    return globalThis.sessionStorage ?? null;
  } catch {
    return null;
  }
}
