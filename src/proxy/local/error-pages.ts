/** Error pages of the operator's: templates by status, for clients that take their type. */
import type { ErrorPage } from "../../protocol/route.ts";
import { isPreferred, preferenceFor } from "./accept.ts";

/** What a page is filled in with. */
export interface ErrorFacts {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly requestId: string;
}

/** What we say without a page. */
const OTHERWISE = "application/json";

/** One page, cut at what is filled in. */
interface Template {
  readonly from: number;
  readonly to: number;
  readonly type: string;
  /** Without parameters, lower case. */
  readonly mediaType: string;
  readonly escape: (text: string) => string;
  /** Texts and, between them, what is filled in: `{{status}}` and the others. */
  readonly parts: readonly string[];
}

/** The pages of one route. */
export class ErrorPages {
  readonly #templates: readonly Template[];
  readonly #reasonOf: (status: number) => string;

  constructor(pages: readonly ErrorPage[], reasonOf: (status: number) => string) {
    this.#reasonOf = reasonOf;
    this.#templates = pages.map(({ statuses: [from, to], contentType, template }) => {
      const mediaType = contentType.split(";")[0].trim().toLowerCase();
      const parts = template.split(/(\{\{(?:status|reason|code|message|request_id)\}\})/);
      return { from, to, type: contentType, mediaType, escape: escapeFor(mediaType), parts };
    });
  }

  /**
   * The first page for this status that the client takes, and likes as much as JSON.
   * @param accept the client's `Accept`; null = it has none, and gets a page.
   */
  page(facts: ErrorFacts, accept: string | null): { readonly type: string; readonly body: string } | null {
    const { status } = facts;
    const otherwise = preferenceFor(accept, OTHERWISE);
    const template = this.#templates.find(
      ({ from, to, mediaType }) =>
        status >= from && status <= to && isPreferred(preferenceFor(accept, mediaType), otherwise),
    );
    if (template === undefined) return null;
    const { type, parts } = template;
    return {
      type,
      body: parts.map((part, index) => (index % 2 === 0 ? part : template.escape(this.#fact(part, facts)))).join(""),
    };
  }

  #fact(placeholder: string, { status, code, message, requestId }: ErrorFacts): string {
    switch (placeholder) {
      case "{{status}}":
        return `${status}`;
      case "{{reason}}":
        return this.#reasonOf(status);
      case "{{code}}":
        return code;
      case "{{message}}":
        return message;
      default:
        return requestId;
    }
  }
}

/** How text is made safe inside this type: a request id may be the client's own. */
function escapeFor(mediaType: string): (text: string) => string {
  if (/^text\/html$|[/+]xml$/.test(mediaType)) return escapeMarkup;
  if (/[/+]json$/.test(mediaType)) return (text) => JSON.stringify(text).slice(1, -1);
  return (text) => text;
}

function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
