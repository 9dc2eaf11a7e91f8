/** What a probe says and hears on its connection, whatever the protocol: bytes to send, and packets until it knows enough. */
import type { CheckFailure } from "../../shared/health-causes.ts";
import { INCOMPLETE, ProbeReader, type ProbeReply } from "./response.ts";

/** What is wrong with what came. */
export interface ProbeProblem {
  readonly cause: CheckFailure;
  /** A few words for an operator. */
  readonly reason: string;
}

/** One. */
export interface ProbeDialogue {
  /** Sent as soon as the connection is made; empty = that it is made is all that was to be known. */
  readonly request: Uint8Array;
  /** A packet came. @returns `undefined` when more is needed. */
  push(packet: Buffer): ProbeReply | ProbeProblem | undefined;
  /** The server sends nothing more. */
  end(): ProbeReply | ProbeProblem;
}

/** HTTP/1.1. */
export class Http1Dialogue implements ProbeDialogue {
  readonly request: Uint8Array;
  readonly #reader: ProbeReader;

  /** @param head with its blank line. @param wantBody as in `ProbeReader`. */
  constructor(head: string, wantBody: boolean | string) {
    this.request = Buffer.from(head, "latin1");
    this.#reader = new ProbeReader(wantBody);
  }

  push(packet: Buffer): ProbeReply | ProbeProblem | undefined {
    const found = this.#reader.push(packet);
    return found === undefined ? undefined : told(found);
  }

  end(): ProbeReply | ProbeProblem {
    return told(this.#reader.end());
  }
}

/** Nothing but a connection. */
export class ConnectDialogue implements ProbeDialogue {
  readonly request: Uint8Array = new Uint8Array(0);

  push(): undefined {
    return undefined;
  }

  end(): ProbeProblem {
    return told(INCOMPLETE) as ProbeProblem;
  }
}

function told(found: ProbeReply | string): ProbeReply | ProbeProblem {
  if (typeof found !== "string") return found;
  return { cause: found === INCOMPLETE ? "closed" : "response", reason: found };
}

/** Is it a problem? */
export function isProblem(found: ProbeReply | ProbeProblem): found is ProbeProblem {
  return "reason" in found;
}
