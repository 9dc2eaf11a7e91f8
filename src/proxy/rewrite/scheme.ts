/** Which scheme the client speaks, as far as that is known here. */
import { FieldId } from "../http1/field-names.ts";
import type { RequestHead } from "../http1/head.ts";
import { fieldValues } from "../http1/header-text.ts";
import { forwardedElements } from "./forwarded.ts";
import type { Peer } from "./request.ts";

/**
 * Did the client ask by https? Behind a proxy that is trusted that is what it says: the first of `X-Forwarded-Proto`, or else
 * the farthest element of `Forwarded`.
 */
export function cameSecure(peer: Peer, buf: Buffer, head: RequestHead): boolean {
  if (peer.trusted) {
    if (head.has(FieldId.X_FORWARDED_PROTO)) {
      const [first = ""] = fieldValues(buf, head, FieldId.X_FORWARDED_PROTO);
      return first.split(",")[0].trim().toLowerCase() === "https";
    }
    if (head.has(FieldId.FORWARDED)) {
      const elements = [...forwardedElements(fieldValues(buf, head, FieldId.FORWARDED).join(","))];
      const proto = elements.at(-1)?.proto ?? "";
      if (proto !== "") return proto === "https";
    }
  }
  return peer.secure;
}
