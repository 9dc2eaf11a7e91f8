/** What the file says of a rate limit, and `RATE_LIMITS` in words of the same names. */
import { RATE_LIMIT_MODES, WHEN_FULL } from "../../protocol/rate-limit.ts";
import { WHEN_AWAY } from "../../shared/memory/rate-limits/sharing/terms.ts";
import { field, oneOrMore, type ReadOf, struct, value } from "../shapes/shape.ts";
import { cidr } from "../values/addresses.ts";
import { integer, oneOf, text, toggle } from "../values/value-types.ts";
import { limitKey, RATE_LIMIT_BOUNDS, rate } from "./values.ts";

const COUNT = integer(1, RATE_LIMIT_BOUNDS.mostRequests);

/** One limit. */
export const RATE_LIMIT = struct({
  rate: field(
    "How many requests may pass in a period: `100/s`, `600/m`, `5/10m`. A limit has either this or `concurrent`.",
    value(rate),
    "100/s",
  ),
  burst: field("How many of them may come at once. Not there means as many as in a period.", value(COUNT), "200"),
  concurrent: field("Or: how many requests may be under way at once.", value(COUNT), ""),
  key: field(
    "What is counted by itself: client_ip, route, pool, header:NAME, cookie:NAME, api_key:NAME (a header field whose value nobody is shown), or several of them together. Not there means all requests together.",
    oneOrMore(limitKey),
    "client_ip",
  ),
  routes: field("Names of the routes whose requests are limited. Not there means all.", oneOrMore(text), "[shop-api]"),
  pools: field("Names of the pools whose requests are limited. Not there means all.", oneOrMore(text), "[shop]"),
  clients: field(
    "Addresses and CIDR ranges of those whose requests are limited. Not there means everybody.",
    oneOrMore(cidr),
    "",
  ),
  exempt: field("Addresses and CIDR ranges of those whose are not.", oneOrMore(cidr), "[10.0.0.0/8]"),
  mode: field(
    "`dry_run` counts what would be refused, and refuses nothing; `off` does nothing (default enforce).",
    value(oneOf(RATE_LIMIT_MODES)),
    "enforce",
  ),
  ipv4_prefix: field(
    "Bits of an IPv4 address by which client_ip tells clients apart (default 32).",
    value(integer(1, 32)),
    "32",
  ),
  ipv6_prefix: field(
    "The same of an IPv6 address (default 64: what a household or a host is given).",
    value(integer(1, 128)),
    "64",
  ),
  max_keys: field(
    "Keys that are counted at once, of 8 bytes each; rounded up to a power of two (default 65536).",
    value(integer(RATE_LIMIT_BOUNDS.leastKeys, RATE_LIMIT_BOUNDS.mostKeys)),
    "65536",
  ),
  when_full: field(
    "What a request of one more key gets then: `forget` counts it in place of the key that has used least, `allow` lets it pass, `refuse` does not (default forget; with `concurrent` allow).",
    value(oneOf(WHEN_FULL)),
    "forget",
  ),
  fields: field(
    "Whether answers say in `RateLimit` and `RateLimit-Policy` what is left (default on). Refusals always do.",
    value(toggle),
    "on",
  ),
  shared: field(
    "Whether all instances that use the same Redis and are of the same cluster count together (default off).",
    value(toggle),
    "off",
  ),
  advance: field(
    "How much of the burst (or of `concurrent`) the instances together let pass of a key that they know nothing of, before Redis has been asked, in percent: by so much they may exceed a shared limit at most, but for one request of each; 0 refuses the first request of a key, and nothing is exceeded (default 10).",
    value(integer(0, 100)),
    "",
  ),
  when_away: field(
    "What a shared limit does while Redis is away: `local` lets its part of the whole pass, `open` everything, `closed` nothing (default local).",
    value(oneOf(WHEN_AWAY)),
    "",
  ),
});

/** A limit as it was read. */
export type RateLimitBlock = ReadOf<typeof RATE_LIMIT>;
