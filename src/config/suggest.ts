/** Finds what a misspelt name was probably meant to be. */

/** Optimal string alignment distance (insert, delete, replace, swap neighbours), or `limit + 1` when it is larger. */
export function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let best = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let distance = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        distance = Math.min(distance, beforeLast[j - 2] + 1);
      }
      row.push(distance);
      best = Math.min(best, distance);
    }
    if (best > limit) return limit + 1;
    beforeLast = last;
    last = row;
  }
  return Math.min(last[b.length], limit + 1);
}

/**
 * The name nearest to `name`, whose case is ignored: at most two edits away, one for names shorter than eight. The first
 * letter is the same: people seldom mistype it, and SSL_CERT_FILE is not TLS_CERT_FILE.
 * @param most fewer edits than that.
 */
export function nearest(name: string, known: readonly string[], most = 2): string | null {
  const wanted = name.toUpperCase();
  let best: string | null = null;
  let bestDistance = Math.min(wanted.length < 8 ? 1 : 2, most) + 1;
  for (const candidate of known) {
    if (candidate[0].toUpperCase() !== wanted[0]) continue;
    const distance = editDistance(wanted, candidate.toUpperCase(), bestDistance - 1);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** What other programs call what we have (nginx, HAProxy, Traefik, Caddy, Envoy), without underscores: the first that fits. */
const FOREIGN_NAMES: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    addheader: ["response_headers"],
    address: ["url"],
    algorithm: ["strategy", "balancing"],
    authrequest: ["forward_auth"],
    authurl: ["forward_auth"],
    backend: ["pool"],
    backends: ["pools", "servers"],
    clientmaxbodysize: ["limits"],
    cluster: ["pool"],
    clusters: ["pools"],
    code: ["status"],
    directresponse: ["respond"],
    domain: ["host"],
    domains: ["host"],
    encode: ["compression"],
    endpoints: ["servers"],
    entrypoints: ["listeners"],
    exact: ["exact_path"],
    expectedstatus: ["statuses"],
    expectedstatuses: ["statuses"],
    expect: ["statuses"],
    frontend: ["routes"],
    frontends: ["routes"],
    gzip: ["compression"],
    hostname: ["host"],
    hostnames: ["host"],
    lbpolicy: ["balancing"],
    listen: ["listeners", "port"],
    loadbalancer: ["balancing"],
    location: ["path"],
    locations: ["routes"],
    maxconn: ["capacity"],
    maxconns: ["capacity"],
    pathprefix: ["path"],
    port: ["listeners"],
    prefix: ["path"],
    proxypass: ["pool"],
    proxysetheader: ["request_headers"],
    replacement: ["prefix"],
    return: ["respond"],
    reverseproxy: ["pool"],
    routers: ["routes"],
    rule: ["host"],
    rules: ["routes"],
    samplerarg: ["sampler_ratio"],
    server: ["servers", "url"],
    servername: ["host"],
    service: ["pool"],
    services: ["pools"],
    sites: ["routes"],
    ssl: ["tls"],
    stickysession: ["sticky"],
    stripprefix: ["rewrite"],
    target: ["pool"],
    targets: ["servers"],
    upstream: ["pool"],
    upstreams: ["pools", "servers"],
    uri: ["path"],
    virtualhosts: ["routes"],
    vhosts: ["routes"],
  }),
);

/** What is wrong with a name that is none of `known`, and what was meant: the nearest, or else all of them. */
export function unknownName(name: string, known: readonly string[], kind = "setting"): string {
  const snake = name
    .replace(/[A-Z]+/g, (capitals) => `_${capitals}`)
    .replace(/^_|-/g, (s) => (s === "-" ? "_" : ""))
    .toLowerCase();
  const foreign = FOREIGN_NAMES.get(snake.replaceAll("_", ""))?.find((ours) => known.includes(ours)) ?? null;
  const meant = known.includes(snake) ? snake : (foreign ?? nearest(name, known));
  return `${shownName(name)} is no ${kind}; ${meant === null ? `there are ${known.join(", ")}` : `did you mean ${meant}?`}`;
}

/** A name as an error may show it: what is clearly none is not repeated, it may be a line of a key or of a password. */
export function shownName(name: string): string {
  return /^[\w.-]{1,40}$/.test(name) ? `"${name}"` : "what stands here";
}
