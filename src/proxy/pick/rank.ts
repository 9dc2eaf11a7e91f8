/** What is to be expected of a server, best first: a request goes to one of the best that there are. */
export const Rank = {
  /** It has answered this worker, and its last request did not fail. For a first attempt: whoever is not passed over. */
  RESPONDS: 0,
  /** Up, and nobody's last request failed there. */
  UNKNOWN: 1,
  /** Its last request failed, or its checks do. */
  DOUBTFUL: 2,
  /** A backup: there is none of the above. */
  BACKUP: 3,
  /** It failed this request, and has answered others since. */
  TRIED: 4,
  /** It fails all requests: see `FailingServers`. */
  PASSED_OVER: 5,
  /** It failed this request, and nobody has got a response since. */
  FAILED: 6,
  NONE: 7,
} as const;
