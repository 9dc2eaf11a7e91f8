/** What a client's connection is doing. */

/** In the order of its life; a number, because it is asked with every packet. */
export const ConnectionState = {
  /** Between requests: nothing of the next one is there. */
  IDLE: 0,
  /** Part of a head is there. */
  HEAD: 1,
  /** A request is being served, or the connection is a tunnel. */
  BUSY: 2,
  /** The response is complete; its last bytes wait for the client to take them. */
  FLUSHING: 3,
  /** We have sent FIN and throw away what still comes, so that no reset destroys the response on its way. */
  LINGERING: 4,
  /** The response was cut and only a reset shows it: it comes when the client has what was sent. */
  RESETTING: 5,
  CLOSED: 6,
} as const;
