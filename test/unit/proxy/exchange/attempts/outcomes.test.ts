/** Every way in which an attempt can end leaves exactly one record of it, and gives back its place in flight. */
import { describe, expect, test } from "bun:test";
import { Failures } from "../../../../../src/proxy/failure.ts";
import { Verdict } from "../../../../../src/proxy/outcome.ts";
import { Rig } from "../fixture.ts";

type VerdictName = keyof typeof Verdict;

/** What is to come of a way to end: a verdict for each attempt by number, and how the client was left. */
type Expected = readonly [verdicts: readonly VerdictName[], client: string];

const NAMES = Object.keys(Verdict) as VerdictName[];
const GET = "GET /";
const FINE = "200 OK\r\nContent-Length: 4";
const CHUNKED = "200 OK\r\nTransfer-Encoding: chunked";
const UPGRADE = "Connection: Upgrade\r\nUpgrade: x\r\n\r\n";
const SWITCH = "101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x";

function verify(rig: Rig, [verdicts, client]: Expected): void {
  const ends = rig.told.filter(({ what }) => what === "end").map(({ outcome }) => outcome);
  const heads = rig.told.filter(({ what }) => what === "head").map(({ outcome }) => outcome);
  // One end for each that was begun, and never two of one.
  expect(ends.map(({ number }) => number).sort()).toEqual(rig.legs.map((_, i) => i + 1));
  const byNumber = [...ends].sort((a, b) => a.number - b.number);
  expect(byNumber.map(({ verdict }) => NAMES[verdict])).toEqual([...verdicts]);
  // At most one head for each, and before its end.
  expect(new Set(heads.map(({ number }) => number)).size).toBe(heads.length);
  for (const { number, status, latencyMs } of ends) {
    expect(heads.some((head) => head.number === number)).toBe(status !== 0);
    expect(Number.isNaN(latencyMs)).toBe(status === 0);
  }
  expect(rig.client.left).toBe(client);
  expect([...rig.inFlight]).toEqual([0, 0, 0]);
  expect([...rig.transferring]).toEqual([0, 0, 0]);
  expect(rig.idle).toEqual([rig.exchange]);
  // Nothing comes after the end, whatever the servers still do.
  const told = rig.told.length;
  for (const leg of rig.legs) {
    leg.sends("more");
    leg.ends(true);
  }
  rig.waits(60_000);
  expect(rig.told.length).toBe(told);
}

type Way = readonly [name: string, run: () => Rig, expected: Expected];

function ways(title: string, list: readonly Way[]): void {
  describe(title, () => {
    test.each(list.map(([name, run, expected]) => [name, run, expected] as const))("%s", (_name, run, expected) => {
      verify(run(), expected);
    });
  });
}

function get(then: (rig: Rig) => void, settings: ConstructorParameters<typeof Rig>[0] = {}): () => Rig {
  return () => {
    const rig = new Rig({ retryAttempts: 0, ...settings }).asks(GET, "\r\n");
    then(rig);
    return rig;
  };
}

function post(then: (rig: Rig) => void): () => Rig {
  return () => {
    const rig = new Rig().asks("POST /", "Transfer-Encoding: chunked\r\n\r\n");
    then(rig);
    return rig;
  };
}

ways("a response", [
  ["is complete", get(({ legs }) => legs[0].responds(FINE, "full")), [["GOOD"], "done"]],
  [
    "comes in pieces",
    get(({ legs }) => {
      legs[0].responds(FINE, "fu");
      legs[0].sends("ll");
    }),
    [["GOOD"], "done"],
  ],
  [
    "lasts until the server closes",
    get(({ legs }) => {
      legs[0].responds("200 OK", "all");
      legs[0].ends(false);
    }),
    [["GOOD"], "done"],
  ],
  ["is an error", get(({ legs }) => legs[0].responds("500 No\r\nContent-Length: 0")), [["ERROR"], "done"]],
  [
    "is cut",
    get(({ legs }) => {
      legs[0].responds(FINE, "fu");
      legs[0].ends(false);
    }),
    [["BROKEN"], "cut"],
  ],
  [
    "stands still",
    get((rig) => {
      rig.legs[0].responds(FINE, "fu");
      rig.waits(4100);
    }),
    [["BROKEN"], "cut"],
  ],
  [
    "breaks its framing in its first bytes",
    get(({ legs }) => legs[0].responds(CHUNKED, "no chunk\r\n")),
    [["BROKEN"], "bad_response"],
  ],
  [
    "breaks its framing later",
    get(({ legs }) => {
      legs[0].responds(CHUNKED, "4\r\nfull\r\n");
      legs[0].sends("no chunk\r\n");
    }),
    [["BROKEN"], "cut"],
  ],
]);

ways("no response, because", [
  [
    "the connection is refused",
    get(({ legs }) => legs[0].fails(Failures.CONNECT_REFUSED, true)),
    [["UNANSWERED"], "connect_refused"],
  ],
  [
    "the server closes",
    get(({ legs }) => legs[0].fails(Failures.CLOSED_BEFORE_RESPONSE)),
    [["UNANSWERED"], "closed_before_response"],
  ],
  [
    "what it says is no head",
    get(({ legs }) => legs[0].fails(Failures.BAD_RESPONSE)),
    [["UNANSWERED"], "bad_response"],
  ],
  ["it keeps silent", get((rig) => rig.waits(3100)), [["UNANSWERED"], "response_timeout"]],
  [
    "there is no end to its interim responses",
    get(({ legs }) => {
      for (let i = 0; i < 17; i++) legs[0].responds("103 Early Hints");
    }),
    [["UNANSWERED"], "bad_response"],
  ],
  [
    "it switches protocols unasked",
    get(({ legs }) => legs[0].responds(SWITCH)),
    [["UNANSWERED"], "unexpected_upgrade"],
  ],
  [
    "it does not take the request",
    post((rig) => {
      rig.legs[0].queuedBytes = 100_000;
      rig.uploads("4\r\nmore\r\n");
      rig.waits(2100);
    }),
    [["UNANSWERED"], "upstream_write_timeout"],
  ],
  [
    "there is no server with room",
    () => {
      const rig = new Rig();
      rig.full = true;
      rig.asks(GET, "\r\n").waits(1100);
      return rig;
    },
    [[], "queue_timeout"],
  ],
]);

ways("another server is asked, because", [
  [
    "the first refuses",
    get(
      ({ legs }) => {
        legs[0].fails(Failures.CONNECT_REFUSED, true);
        legs[1].responds(FINE, "full");
      },
      { retryAttempts: 2 },
    ),
    [["UNANSWERED", "GOOD"], "done"],
  ],
  [
    "all refuse, one after the other",
    get(
      ({ legs }) => {
        for (let i = 0; i < legs.length; i++) legs[i].fails(Failures.CONNECT_REFUSED, true);
      },
      { retryAttempts: 2 },
    ),
    [["UNANSWERED", "UNANSWERED", "UNANSWERED"], "connect_refused"],
  ],
  [
    "the kept connection was stale",
    get(
      ({ legs }) => {
        legs[0].fails(Failures.STALE_CONNECTION);
        legs[1].responds(FINE, "full");
      },
      { retryAttempts: 2 },
    ),
    [["NONE", "GOOD"], "done"],
  ],
  [
    "the first takes longer than one attempt may",
    get(
      (rig) => {
        rig.waits(600);
        rig.legs[1].responds(FINE, "full");
      },
      { retryAttempts: 1, perTryTimeoutMs: 500 },
    ),
    [["UNANSWERED", "GOOD"], "done"],
  ],
  [
    "the first answers with an error that is not wanted",
    get(
      ({ legs }) => {
        legs[0].responds("503 No\r\nContent-Length: 0");
        legs[1].responds(FINE, "full");
      },
      { retryAttempts: 2 },
    ),
    [["ERROR", "GOOD"], "done"],
  ],
  [
    "nothing can be sent on the connection, nor on the next",
    () => {
      const rig = new Rig();
      rig.refusesSends = true;
      return rig.asks(GET, "\r\n");
    },
    [["UNANSWERED", "UNANSWERED", "UNANSWERED"], "closed_before_response"],
  ],
]);

ways("the client", [
  ["leaves before there is a response", get(({ exchange }) => exchange.abort(1)), [["NONE"], "reset"]],
  [
    "leaves while the connection is being made",
    () => {
      const rig = new Rig();
      rig.connecting = true;
      rig.asks(GET, "\r\n").exchange.abort(1);
      return rig;
    },
    [["NONE"], "reset"],
  ],
  [
    "leaves in the middle of one",
    get(({ legs, exchange }) => {
      legs[0].responds(FINE, "fu");
      exchange.abort(1);
    }),
    [["GOOD"], "reset"],
  ],
  [
    "does not take it",
    get((rig) => {
      rig.client.queuedBytes = 100;
      rig.legs[0].responds(FINE, "fu");
      rig.waits(2000);
      rig.legs[0].sends("l");
      rig.client.queuedBytes = 100_000;
      rig.legs[0].sends("");
      rig.waits(4100);
    }),
    [["GOOD"], "reset"],
  ],
  ["does not go on with its request", post((rig) => rig.waits(2100)), [["NONE"], "request_body_timeout"]],
  [
    "ends in the middle of its request",
    post(({ exchange }) => exchange.onClientEnd(1)),
    [["NONE"], "request_truncated"],
  ],
  ["sends what is no body", post((rig) => rig.uploads("no chunk\r\n")), [["NONE"], "invalid_chunk_size"]],
  ["sends too much", post((rig) => rig.uploads(`7d0\r\n${"x".repeat(2000)}\r\n`)), [["NONE"], "body_too_large"]],
  [
    "sends too much, and the response has begun",
    post((rig) => {
      rig.legs[0].responds(FINE, "fu");
      rig.uploads(`7d0\r\n${"x".repeat(2000)}\r\n`);
    }),
    [["GOOD"], "cut"],
  ],
]);

ways("an error of our own", [
  [
    "before the response",
    get(({ exchange }) => exchange.refuseRest(Failures.INTERNAL, 1)),
    [["NONE"], "internal_error"],
  ],
  [
    "behind its head",
    get(({ legs, exchange }) => {
      legs[0].responds(FINE, "fu");
      exchange.refuseRest(Failures.INTERNAL, 1);
    }),
    [["GOOD"], "cut"],
  ],
]);

function hedged(then: (rig: Rig) => void): () => Rig {
  return () => {
    const rig = new Rig({ hedgeAfterMs: 100 }).asks(GET, "\r\n");
    rig.hedges();
    then(rig);
    return rig;
  };
}

ways("of a hedged request", [
  ["the first wins", hedged(({ legs }) => legs[0].responds(FINE, "full")), [["GOOD", "NONE"], "done"]],
  ["the second wins", hedged(({ legs }) => legs[1].responds(FINE, "full")), [["NONE", "GOOD"], "done"]],
  [
    "the winner is cut",
    hedged(({ legs }) => {
      legs[1].responds(FINE, "fu");
      legs[1].ends(true);
    }),
    [["NONE", "BROKEN"], "cut"],
  ],
  [
    "the first fails and the second answers",
    hedged(({ legs }) => {
      legs[0].fails(Failures.CLOSED_BEFORE_RESPONSE);
      legs[1].responds(FINE, "full");
    }),
    [["UNANSWERED", "GOOD"], "done"],
  ],
  [
    "an error gives way to the other",
    hedged(({ legs }) => {
      legs[1].responds("500 No\r\nContent-Length: 0");
      legs[0].responds(FINE, "full");
    }),
    [["GOOD", "ERROR"], "done"],
  ],
  [
    "both fail",
    hedged(({ legs }) => {
      legs[0].fails(Failures.BAD_RESPONSE);
      legs[1].fails(Failures.BAD_RESPONSE);
    }),
    [["UNANSWERED", "UNANSWERED"], "bad_response"],
  ],
  ["the client leaves", hedged(({ exchange }) => exchange.abort(1)), [["NONE", "NONE"], "reset"]],
]);

function tunnel(then: (rig: Rig) => void): () => Rig {
  return () => {
    const rig = new Rig().asks(GET, UPGRADE);
    rig.legs[0].responds(SWITCH, "hello");
    then(rig);
    return rig;
  };
}

ways("a tunnel", [
  [
    "ends on both sides",
    tunnel(({ legs, exchange }) => {
      legs[0].ends(false);
      exchange.onClientEnd(1);
    }),
    [["GOOD"], "done"],
  ],
  ["is broken by the server", tunnel(({ legs }) => legs[0].ends(true)), [["BROKEN"], "cut"]],
  ["is broken by the client", tunnel(({ exchange }) => exchange.abort(1)), [["GOOD"], "reset"]],
  ["is silent for too long", tunnel((rig) => rig.waits(5100)), [["GOOD"], "done"]],
  ["ends with the worker", tunnel(({ exchange }) => exchange.closeTunnel(1)), [["GOOD"], "done"]],
]);

test("the record says which attempt it was, when its head came and what the client got", () => {
  const rig = new Rig().asks(GET, "\r\n");
  rig.nowMs = 5;
  rig.legs[0].fails(Failures.CONNECT_REFUSED, true);
  rig.nowMs = 12;
  rig.legs[1].responds(FINE, "fu");
  rig.nowMs = 5000;
  rig.legs[1].ends(true);
  const [first, second] = rig.told.filter(({ what }) => what === "end").map(({ outcome }) => outcome);
  expect(first).toMatchObject({ number: 1, slot: 0, serverId: 1, status: 0, failure: Failures.CONNECT_REFUSED });
  expect(second).toMatchObject({
    number: 2,
    slot: 1,
    serverId: 2,
    dispatchedMs: 5,
    latencyMs: 7,
    status: 200,
    failure: Failures.RESPONSE_TRUNCATED,
    responseBytes: 2,
  });
});
