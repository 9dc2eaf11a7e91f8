/** Asks for a token where the instance wants one. */
import { useState } from "preact/hooks";
import { Dialog } from "../widgets/dialog.tsx";
import { asksForToken, signIn } from "./session.ts";

/** The dialog, while a token is asked for. */
export function SignIn() {
  const why = asksForToken.value;
  const [text, setText] = useState("");
  if (why === null) return null;
  return (
    <Dialog
      title="Sign in"
      onClose={() => {
        asksForToken.value = null;
      }}
    >
      <form
        class="body"
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() === "") return;
          signIn(text.trim());
          setText("");
        }}
      >
        <p role="alert">{why}</p>
        <div class="field">
          <label for="token">Token</label>
          <input
            id="token"
            class="input mono"
            type="password"
            autocomplete="off"
            spellcheck={false}
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
          />
          <p class="hint">ADMIN_TOKEN, or one of ADMIN_TOKENS. It stays in this tab and goes when the tab is closed.</p>
        </div>
        <div class="row">
          <button type="submit" class="button primary">
            Sign in
          </button>
        </div>
      </form>
    </Dialog>
  );
}
