/** How much of a client of HTTP/2 is held, and how often it may do what costs us work. */

/** What a client may send on a stream before its server has taken some, bytes: 64 KB leave in one write. */
export const STREAM_WINDOW_BYTES = 256 * 1024;
/** And on all streams of its connection together. */
export const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** What a stream sends in a row before others have their turn, bytes. */
export const TURN_BYTES = 64 * 1024;
/** CONTINUATION frames of one header block. */
export const MAX_CONTINUATIONS = 8;
/** Replies (to PING and SETTINGS, and resets) that wait for a client that reads nothing. */
export const MAX_WAITING_REPLIES = 1000;
/** What each frame of a response brings back of the budget for what costs us work (budget.ts): its window has to be updated. */
export const EARNED_BY_FRAME = 4;
/** After we have said that we leave, streams that were on their way are still served for so long at most, milliseconds. */
export const LEAVING_MS = 1000;
/** A client that is answered before it has sent all has so long to see it and to stop, milliseconds; its window stays as it is. */
export const LINGER_MS = 1000;
