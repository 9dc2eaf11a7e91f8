/** The states of a stream that has begun (RFC 9113 section 5.1). */

/** One value, not two flags: which sides may still send. */
export const StreamState = {
  OPEN: 0,
  /** The peer has said that it sends nothing more. */
  HALF_CLOSED_REMOTE: 1,
  /** We have. */
  HALF_CLOSED_LOCAL: 2,
  /** Both have, or one of them has reset it. */
  CLOSED: 3,
} as const;
export type StreamState = (typeof StreamState)[keyof typeof StreamState];

/** The peer sends nothing more. */
export function afterRemoteEnd(state: StreamState): StreamState {
  return state === StreamState.OPEN ? StreamState.HALF_CLOSED_REMOTE : StreamState.CLOSED;
}

/** We send nothing more. */
export function afterLocalEnd(state: StreamState): StreamState {
  return state === StreamState.OPEN ? StreamState.HALF_CLOSED_LOCAL : StreamState.CLOSED;
}

/** May the peer still send? */
export function isRemoteOpen(state: StreamState): boolean {
  return state === StreamState.OPEN || state === StreamState.HALF_CLOSED_LOCAL;
}

/** May we still send? */
export function isLocalOpen(state: StreamState): boolean {
  return state === StreamState.OPEN || state === StreamState.HALF_CLOSED_REMOTE;
}
