/** Bounds of connections to servers of HTTP/2. */

/**
 * What a server may send of a response before we take it, bytes: with so much under way, 10 ms to the server allow 12 MB/s. As
 * much waits in memory at most for a client that does not read.
 */
export const STREAM_WINDOW_BYTES = 128 * 1024;
/**
 * The same of a whole connection. What came counts as taken at once, so that no client holds up another: memory is bounded by the
 * windows of the streams.
 */
export const CONNECTION_WINDOW_BYTES = 4 * 1024 * 1024;
/** Streams of one connection, when the server allows as many. With more, one lost packet would hold up too many requests. */
export const MAX_STREAMS = 100;
/** From so high numbers on, a connection is replaced by another one: they end at 2^31 - 1. */
export const LAST_STREAM_ID = 2 ** 30;
/** Header blocks: CONTINUATION frames of one. */
export const MAX_CONTINUATIONS = 8;
/**
 * So long may content of requests wait for the connection's window, of which a server gives nothing, before other requests get
 * another connection, milliseconds: longer than the way to any server and back. One handler that does not read is enough, where a
 * server gives the window back as its handlers read.
 */
export const STALL_MS = 500;
/** So many connections for which that is so a server may have, until requests share them again. */
export const MAX_STALLED = 4;
