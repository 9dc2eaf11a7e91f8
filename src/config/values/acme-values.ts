/** What is said to a CA. */
import type { ValueType } from "../setting.ts";
import { valueType } from "./value-types.ts";

/** Where an ACME directory is. */
export const httpsUrl: ValueType<string> = valueType("https:// URL", (text) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || url.protocol !== "https:" || url.username !== "" || url.hash !== "") {
    throw new Error("must be a URL that begins with https://, such as https://acme-v02.api.letsencrypt.org/directory");
  }
  return text;
});

/** An address of mail. */
export const email: ValueType<string> = valueType("mail address", (text) => {
  // One alone: a CA refuses lists, and what would begin fields of the message's head (RFC 6068).
  if (!/^[^\s@,;?&%<>"]{1,64}@[^\s@,;?&%<>"]{1,190}$/.test(text)) {
    throw new Error("must be a mail address, such as ops@example.com");
  }
  return text;
});
