/** Where an exchange is in the life of its request: one value, and what may follow what. */

export const Phase = {
  /** It serves no request. */
  IDLE: 0,
  /** There is a request and no server for it yet. */
  DISPATCH: 1,
  /** Another server is asked whether it may pass. */
  AUTHORISING: 2,
  /** Every server is full: the request waits for its turn. */
  QUEUED: 3,
  /** A server has been chosen, and no response head has come that is the client's. Retries and hedges are within this. */
  ATTEMPTING: 4,
  /** The final head went to the client: from here on there is no second try and no error page. */
  RESPONDING: 5,
  /** The server switched protocols (101): bytes go both ways. */
  TUNNEL: 6,
} as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

const { IDLE, DISPATCH, AUTHORISING, QUEUED, ATTEMPTING, RESPONDING, TUNNEL } = Phase;

/** By phase, one bit for each that may follow. Whatever happens to a request, all of them may end. */
const NEXT: readonly number[] = [
  /* IDLE */ 1 << DISPATCH,
  /* DISPATCH */ (1 << AUTHORISING) | (1 << QUEUED) | (1 << ATTEMPTING) | (1 << IDLE),
  /* AUTHORISING: who may not pass gets the response that says so */
  (1 << QUEUED) | (1 << ATTEMPTING) | (1 << RESPONDING) | (1 << IDLE),
  /* QUEUED */ (1 << ATTEMPTING) | (1 << IDLE),
  /* ATTEMPTING: a retry is another attempt, or waits for one */
  (1 << ATTEMPTING) | (1 << QUEUED) | (1 << RESPONDING) | (1 << TUNNEL) | (1 << IDLE),
  /* RESPONDING */ 1 << IDLE,
  /* TUNNEL */ 1 << IDLE,
];

/** Moves from one phase to the next. @returns `to`. Throws when that cannot follow: a bug, which ends this one request. */
export function follow(from: Phase, to: Phase): Phase {
  if ((NEXT[from] & (1 << to)) === 0) throw new Error(`an exchange cannot go from phase ${from} to ${to}`);
  return to;
}
