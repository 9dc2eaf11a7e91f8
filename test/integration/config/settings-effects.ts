/**
 * What each setting changes. A setting that does nothing is worse than none: somebody relies on it. So every one names
 * - two values that differ,
 * - what differs then in what the processes are given (`worker`: ProxySettings, `fleet`: FleetOptions, `learner`:
 *   LearnerSettings), all of it and nothing else; empty where the supervisor reads it from the configuration itself,
 * - and the test that shows the difference as a user would see it.
 *
 * settings-effects.test.ts beside this file compares the list with the schema, tries the values, and looks for the tests.
 */

/** What one setting changes. */
export interface Effect {
  readonly values: readonly [string, string];
  /** Settings that must be there for this one to mean anything. */
  readonly with?: Readonly<Record<string, string>>;
  readonly reaches: readonly string[];
  readonly file: string;
  readonly title: string;
}

const SEEN = "test/drill/settings.test.ts";
const KUBERNETES = "test/integration/control/discovery/kubernetes/source.test.ts";
const AS_IN_A_POD = "as in a pod: TLS by the authority's file, and the token as it is at each question";
const QUEUE = "test/integration/proxy/pick/queue.test.ts";
const RETRIES = "test/integration/proxy/exchange/retries.test.ts";
const RETRY_STATUS = "test/integration/proxy/exchange/retry-status.test.ts";
const GRPC_RETRIES = "test/integration/proxy/grpc/retries.test.ts";
const TIMEOUTS = "test/integration/proxy/exchange/timeouts.test.ts";
const TLS = "test/integration/proxy/listen/tls.test.ts";
const TLS_TERMS = "test/integration/proxy/listen/negotiation.test.ts";
const MTLS = "test/integration/proxy/listen/client-certificates.test.ts";
const ACCESS = "test/integration/proxy/listen/client-access.test.ts";
const DECIDED_BY_ADDRESS = "decide by the client's address; whoever is refused hears why, and his connection ends";
const CLIENT_LISTS = "test/integration/config/client-lists.test.ts";
const FROM_FILES = "files have more entries of the lists, and are read again when they change";
const PROXIED = "test/integration/proxy/listen/proxy-protocol.test.ts";
const DECIDES_FOR_ITSELF = "a listener decides for itself, and a reload opens it anew";
const HTTP2_CHOICE = "test/integration/proxy/listen/http2.test.ts";
const HTTP2_BOUNDS = "test/integration/proxy/downstream/http2/bounds.test.ts";
const HTTP2_ENDS = "test/integration/proxy/downstream/http2/ends.test.ts";
const SERVER_TLS = "test/integration/proxy/upstream/tls.test.ts";
const LOG = "test/integration/proxy/record/access-log/lines.test.ts";
const LOG_FILE = "test/drill/logs.test.ts";
const HEALTH_KINDS = "test/integration/control/fleet/health-kinds.test.ts";
const FLEET = "test/integration/control/fleet/fleet.test.ts";
const OUTLIERS = "test/unit/health/outlier-ejection.test.ts";
const SUPERVISOR = "test/integration/control/supervisor/supervisor.test.ts";
const LEARNING = "test/drill/learning/learning.test.ts";
const LEARNING_MODELS = "test/drill/learning/models.test.ts";
const ADMIN = "test/integration/control/admin/api.test.ts";
const ADMIN_TLS = "test/integration/control/supervisor/ports/admin-port.test.ts";
const MODEL_SERVER = "test/integration/model-server/model-server.test.ts";
const REMOTE = "test/integration/learning/models/remote-model.test.ts";
const SAMPLES = "test/integration/storage/sqlite/bounds.test.ts";
const HISTORY_BOUNDS = "test/integration/storage/sqlite/history/bounds.test.ts";
const SINGLE_REQUESTS = "test/unit/recorder/sampling/sampling.test.ts";
const JUDGES = "test/unit/learning/judge/operator-options.test.ts";

const DATABASE = "test/drill/database.test.ts";
const DATABASE_CONNECTION = "test/integration/storage/postgres/connection.test.ts";
const STORES = ["learner.store", "recorder.store"];
const WITH_DATABASE = { DB_HOST: "db.internal", DB_PASSWORD: "a password" };
const IS_KEPT_THERE =
  "DB_PORT, DB_NAME, DB_USER, DB_PASSWORD, INSTANCE_NAME: what happens is kept there, under this name";
const OF_CONNECTIONS = "is one of DB_MAX_OPEN_CONNS at most, and one of DB_MAX_IDLE_CONNS stays";
const OF_TLS = "require encrypts, verify-ca looks who signed, verify-full at the name as well";

const ROUTES = "test/integration/proxy/routing/actions.test.ts";
const POOLS = "test/integration/config/pool-settings.test.ts";

const STICKY_COOKIES = "test/integration/proxy/pool/sticky-cookie.test.ts";
const STICKY_LINES = "test/unit/proxy/pick/sticky-cookie.test.ts";
const STICKY = { STICKY_COOKIE: "c", STICKY_KEYS: "an old key of some bytes" };

const TRACING = "test/unit/config/tracing.test.ts";
const OTEL = "test/e2e/telemetry/otel-variables.test.ts";
const IS_OFF = "with %j, though there is an endpoint: a client's trace passes as it came, and none is made up";
const IS_SAMPLED = "what the sampler takes is exported, and flags everywhere say the same";
const TRACES_WIN = "variables of traces win over the general ones";
const TRACING_FILES = "test/integration/config/tracing-files.test.ts";
const TRACED = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318" };
const ALL_OF_TRACES = [
  "worker.tracing",
  ...["endpoint", "protocol", "headers", "compression", "timeoutMs", "caPem", "certificate", "resource"].map(
    (name) => `tracer.${name}`,
  ),
  ...["scheduleDelayMs", "exportTimeoutMs", "maxQueueSpans", "maxBatchSpans", "maxValueLength"].map(
    (name) => `tracer.${name}`,
  ),
];
const TRACES = "test/drill/tracing.test.ts";
const IS_SWITCHED = "a reload switches them off and on; what is off is no process";
const ARRIVES = "a request is one span, and each attempt one below it; status and metrics tell of it";
const COSTS_SPANS =
  "a collector that hangs costs spans, which are counted, and no request; the mode is told and ends by itself";
const OVER_TLS = "TLS: an authority that is known, one that is not, and a certificate of our own";
const SENDERS = "test/integration/tracer/export/senders.test.ts";
const BATCHES = "OTEL_BSP_* and limits of values";
const OF_TRACES = "the setting of traces wins over the general one, setting by setting";
const OF_TLS_OF_TRACES = "files of certificates are read, and host:port without a scheme is TLS unless it is insecure";
const HTTPS = { OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector:4318" };

const ACME_TEST = "test/integration/acme/issuing.test.ts";
const ACME = { ACME_DOMAINS: "a.test", ACME_AGREE_TOS: "true", TLS_PORT: "1" };
const IS_ISSUED = "by %s: issued, in use, and only its owner reads the keys";
const OF_RSA = "two names and files beside them, keys of RSA: each its own by server name";
const IS_BOUND = "an account that the CA binds to another, and a CA that was set up anew and knows it no more";
const CA_AWAY = "the CA is away at the start: the port is open, it is said why, and the wait is kept over a restart";
const OF_ACCOUNT = "test/integration/acme/authority.test.ts";
function effect(
  values: readonly [string, string],
  reaches: readonly string[],
  file: string,
  title: string,
  more: Readonly<Record<string, string>> = {},
): Effect {
  return { values, reaches, file, title, with: more };
}

/** By name. Where several settings have one test, it needs each of them. */
export const EFFECTS: Readonly<Record<string, Effect>> = {
  SERVERS: effect(
    ["http://127.0.0.1:1", "http://127.0.0.1:2"],
    ["fleet.servers"],
    SUPERVISOR,
    "takes over settings, servers, number of workers and log level, without restarting a worker",
  ),
  NEURABALANCER_TOKEN: effect(
    ["a", "b"],
    [],
    "test/integration/cli/explain.test.ts",
    "finds the instance and the token where the settings have them; neither need be an argument",
  ),
  CONFIG_FILE: effect(
    ["a.yaml", "b.yaml"],
    [],
    "test/integration/cli/configuration-file.test.ts",
    "CONFIG_FILE names it, and --config wins",
  ),
  REDIS_ADDR: effect(
    ["r:6379", "s:6380"],
    [],
    "test/integration/control/supervisor/shared-limits.test.ts",
    "three instances let no more pass together than one would",
  ),
  REDIS_PASSWORD: effect(
    ["one", "another"],
    [],
    "test/integration/control/supervisor/shared-limits.test.ts",
    "three instances let no more pass together than one would",
  ),
  REDIS_DB: effect(
    ["0", "5"],
    [],
    "test/integration/control/supervisor/shared-limits.test.ts",
    "three instances let no more pass together than one would",
  ),
  REDIS_TLS: effect(
    ["off", "on"],
    [],
    "test/integration/control/supervisor/shared-limits.test.ts",
    "three instances let no more pass together than one would",
  ),
  REDIS_USERNAME: effect(
    ["one", "two"],
    [],
    "test/integration/cluster/redis/link.test.ts",
    "a user may be allowed what it needs and nothing else",
  ),
  REDIS_TLS_CA_FILE: effect(
    ["a.pem", "b.pem"],
    [],
    "test/integration/cluster/redis/link.test.ts",
    "speaks TLS by name and by address, with an authority of one's own",
  ),
  REDIS_TLS_CERT_FILE: effect(
    ["a.pem", "b.pem"],
    [],
    "test/integration/cluster/redis/link.test.ts",
    "shows a certificate of its own where one is asked for",
  ),
  REDIS_TLS_KEY_FILE: effect(
    ["a.pem", "b.pem"],
    [],
    "test/integration/cluster/redis/link.test.ts",
    "shows a certificate of its own where one is asked for",
  ),
  REDIS_SENTINEL_ADDRS: effect(
    ["s:26379", "t:26379"],
    [],
    "test/integration/cluster/redis/directories.test.ts",
    "a failover by Sentinels is followed, and the old master is not written to",
    { REDIS_SENTINEL_MASTER: "mymaster" },
  ),
  REDIS_SENTINEL_MASTER: effect(
    ["one", "two"],
    [],
    "test/integration/cluster/redis/directories.test.ts",
    "a failover by Sentinels is followed, and the old master is not written to",
  ),
  REDIS_SENTINEL_PASSWORD: effect(
    ["one", "two"],
    [],
    "test/integration/cluster/redis/directories.test.ts",
    "a failover by Sentinels is followed, and the old master is not written to",
  ),
  REDIS_CLUSTER_ADDRS: effect(
    ["r:6379", "s:6379"],
    [],
    "test/integration/cluster/redis/directories.test.ts",
    "each key is asked for where its slot is, whichever server is named",
  ),
  CLUSTER_NAME: effect(
    ["one", "two"],
    [],
    "test/integration/control/cluster/members.test.ts",
    "those of another CLUSTER_NAME do not count",
  ),
  CLUSTER_SHARE: effect(
    ["in_flight,health", "none"],
    [],
    "test/unit/config/values/cluster.test.ts",
    "CLUSTER_SHARE has everything unless something is said",
  ),
  RATE_LIMITS: effect(
    ["a rate=1/s", "a rate=2/s"],
    [],
    "test/unit/config/rate-limits/rate-limits.test.ts",
    "is enough without a file",
  ),
  DNS_MIN_TTL_SECONDS: effect(
    ["1", "2"],
    ["fleet.dns"],
    "test/unit/control/discovery/discovery.test.ts",
    "times to live are clamped",
  ),
  DNS_MAX_TTL_SECONDS: effect(
    ["60", "9"],
    ["fleet.dns"],
    "test/unit/control/discovery/discovery.test.ts",
    "times to live are clamped",
  ),
  KUBERNETES_API_SERVER: effect(
    ["https://a", "https://b"],
    ["fleet.kubernetes"],
    KUBERNETES,
    "a reload that names another API server asks that one",
  ),
  KUBECONFIG: effect(
    ["/a", "/b"],
    ["fleet.kubernetes"],
    KUBERNETES,
    "as outside of a cluster: a kubeconfig file, read again with each question, and a client certificate",
  ),
  KUBERNETES_CONTEXT: effect(
    ["a", "b"],
    ["fleet.kubernetes"],
    "test/unit/control/discovery/kubernetes/kubeconfig.test.ts",
    "no file at all, and a context that is not the current one",
  ),
  KUBERNETES_SERVICE_HOST: effect(["10.0.0.1", "10.0.0.2"], ["fleet.kubernetes"], KUBERNETES, AS_IN_A_POD),
  KUBERNETES_SERVICE_PORT: effect(["443", "6443"], ["fleet.kubernetes"], KUBERNETES, AS_IN_A_POD),
  KUBERNETES_TOKEN_FILE: effect(["/a", "/b"], ["fleet.kubernetes"], KUBERNETES, AS_IN_A_POD),
  KUBERNETES_CA_FILE: effect(
    ["/a", "/b"],
    ["fleet.kubernetes"],
    KUBERNETES,
    "an API server that nobody vouches for is shown no token",
  ),
  LB_STRATEGY: effect(["p2c", "random"], ["pool.strategy"], SEEN, "LB_STRATEGY chooses the server"),
  HASH_ON: effect(["client_ip", "cookie:sid"], ["pool.hashOn"], QUEUE, "%s sticks, and spreads", {
    LB_STRATEGY: "consistent_hash",
  }),
  HASH_BALANCE_FACTOR: effect(
    ["1.25", "2"],
    ["pool.hashBalanceFactor"],
    "test/unit/balancing/registry.test.ts",
    "options reach the strategy",
  ),
  SLOW_START_SECONDS: effect(
    ["10", "0"],
    ["fleet.slowStartMs"],
    FLEET,
    "a server starts up, is proven, leaves when it fails and comes back through slow start",
  ),
  PANIC_THRESHOLD_PERCENT: effect(
    ["50", "0"],
    ["fleet.panicThresholdPercent"],
    FLEET,
    "panic: too few servers, so all are eligible until enough are back",
  ),
  ML_LEARNING: effect(
    ["on", "off"],
    ["learner.learning"],
    LEARNING,
    "does not learn with ML_LEARNING=off, and guards all the same",
  ),
  ML_TRAIN_INTERVAL_SECONDS: effect(
    ["60", "2"],
    ["learner.trainIntervalMs"],
    LEARNING,
    "a champion that is wrong for the fleet is taken out within seconds, and replaced by one that was learned",
  ),
  ML_CANARY_PERCENT: effect(
    ["20", "40"],
    ["learner.canaryShare"],
    JUDGES,
    "wait less at a higher speed, and are as sure",
  ),
  ML_CONTROL_PERCENT: effect(
    ["5", "10"],
    ["learner.controlShare"],
    JUDGES,
    "wait less at a higher speed, and are as sure",
  ),
  ML_JUDGE_SPEED: effect(
    ["1", "20"],
    ["learner.judgeSpeed"],
    LEARNING,
    "a champion that is wrong for the fleet is taken out within seconds, and replaced by one that was learned",
  ),
  ML_MODEL_ENDPOINT: effect(
    ["http://a:1", "http://b:1"],
    ["learner.modelServer"],
    LEARNING_MODELS,
    "a model server is asked; when it is gone, weighted round robin at once, and it comes back by itself",
  ),
  ML_MODEL_TIMEOUT_MS: effect(
    ["300", "100"],
    ["learner.modelServer"],
    REMOTE,
    "one that is too slow is given up, also when its answer has begun",
    { ML_MODEL_ENDPOINT: "http://a:1" },
  ),
  ML_CIRCUIT_BREAKER_RESET_SECONDS: effect(
    ["30", "1"],
    ["learner.modelServer"],
    REMOTE,
    "is left alone after failures in a row, tried once when the time is over, and used again",
    { ML_MODEL_ENDPOINT: "http://a:1" },
  ),
  ML_CACHE_SIZE: effect(["1000", "0"], ["learner.modelServer"], REMOTE, "of size 0 asks for every row every time", {
    ML_MODEL_ENDPOINT: "http://a:1",
  }),
  MODEL_PATH: effect(
    ["/a", "/b"],
    ["learner.modelFile"],
    LEARNING_MODELS,
    "a six-feature model made by PyTorch routes away from a server that fails",
  ),
  SCALER_PATH: effect(
    ["/a", "/b"],
    ["learner.modelFile"],
    "test/unit/learning/models/files/model-files.test.ts",
    "the files may be elsewhere: an ONNX file by its name, and a scaler of its own",
    { MODEL_PATH: "/m" },
  ),
  MODEL_INPUT_NAME: effect(
    ["features", "x"],
    ["learner.modelFile"],
    "test/unit/learning/models/files/onnx/model.test.ts",
    "an input of another name",
    { MODEL_PATH: "/m" },
  ),
  MODEL_OUTPUT_NAME: effect(
    ["predicted_score", "y"],
    ["learner.modelFile"],
    "test/unit/learning/models/files/onnx/model.test.ts",
    "an output of another name",
    { MODEL_PATH: "/m" },
  ),
  // Of the model server's alone: `serve` numbers its models.
  MODEL_VERSION: effect(["a", "b"], [], MODEL_SERVER, "health and version say which model is served"),
  APP_ENV: effect(["development", "production"], [], SEEN, "APP_ENV is named at start"),
  APP_HOST: effect(
    ["127.0.0.1", "127.0.0.2"],
    ["worker.host", "worker.listeners"],
    SEEN,
    "APP_HOST and ADMIN_HOST are where it listens",
  ),
  APP_PORT: effect(
    ["1", "2"],
    ["worker.port", "worker.listeners"],
    QUEUE,
    "a new port is listened on before the old one closes",
  ),
  RESERVED_PATHS: effect(
    ["true", "false"],
    ["worker.reservedPaths"],
    "test/integration/proxy/rewrite/rewriting.test.ts",
    "RESERVED_PATHS=false proxies them all",
  ),
  FLEET_STATUS: effect(
    ["everyone", "nobody"],
    ["worker.fleetStatus"],
    "test/integration/proxy/downstream/fleet-status.test.ts",
    "FLEET_STATUS says who may ask for metrics and servers",
  ),
  PROMETHEUS_ENABLED: effect(
    ["true", "false"],
    ["worker.prometheusEnabled"],
    ADMIN,
    "switched off metrics are 404; an exception is a 500 without its details, and logged",
  ),
  WORKERS: effect(
    ["1", "2"],
    [],
    SUPERVISOR,
    "takes over settings, servers, number of workers and log level, without restarting a worker",
  ),
  NATIVE_SOCKETS: effect(["on", "off"], ["worker.nativeSockets"], SEEN, "NATIVE_SOCKETS is whose sockets a worker has"),
  SHUTDOWN_TIMEOUT_SECONDS: effect(
    ["30", "1"],
    ["worker.shutdownTimeoutMs"],
    SUPERVISOR,
    "a worker that does not finish in time is ended, and the exit is still 0",
  ),
  SHUTDOWN_GRACE_SECONDS: effect(
    ["0", "1"],
    [],
    SEEN,
    "SHUTDOWN_GRACE_SECONDS takes new requests for a while, with readiness failing",
  ),
  LOG_LEVEL: effect(
    ["info", "error"],
    ["worker.logLevel"],
    SEEN,
    "LOG_LEVEL and LOG_FORMAT hold in every process, and after a reload",
  ),
  LOG_FORMAT: effect(
    ["json", "text"],
    ["worker.logFormat"],
    SEEN,
    "LOG_LEVEL and LOG_FORMAT hold in every process, and after a reload",
  ),
  ACCESS_LOG: effect(["on", "off"], ["worker.accessLog"], SEEN, "ACCESS_LOG=off writes no line"),
  ACCESS_LOG_FORMAT: effect(
    ["common", "combined"],
    ["worker.accessLogFormat"],
    LOG,
    "ACCESS_LOG_FORMAT and ACCESS_LOG_FIELDS say what lines look like, also after a change",
  ),
  ACCESS_LOG_FIELDS: effect(
    ["default", "path,status"],
    ["worker.accessLogFields"],
    LOG,
    "ACCESS_LOG_FORMAT and ACCESS_LOG_FIELDS say what lines look like, also after a change",
  ),
  ACCESS_LOG_FILE: effect(
    ["/tmp/a.log", "/tmp/b.log"],
    ["worker.accessLogFile"],
    LOG_FILE,
    "ACCESS_LOG_FILE has the lines of all workers, also after SIGUSR1, and when it was moved or removed without a word",
  ),
  ACCESS_LOG_MAX_MEGABYTES: effect(
    ["0", "64"],
    [],
    LOG_FILE,
    "ACCESS_LOG_MAX_MEGABYTES moves a file that is full, once after another, and no line is lost",
  ),
  ACCESS_LOG_PROBES: effect(
    ["off", "on"],
    ["worker.accessLogProbes"],
    LOG,
    "ACCESS_LOG_PROBES: paths of our own have a line where it is wanted, or where they are refused",
  ),
  ACCESS_LOG_SAMPLE: effect(
    ["1", "0.5"],
    ["worker.accessLogSample"],
    LOG,
    "a share of what succeeds, and all that fails",
  ),
  TLS_PORT: effect(
    ["1", "2"],
    ["worker.tls", "worker.listeners"],
    TLS,
    "each name gets its certificate, others the first",
  ),
  TLS_CERT_FILE: effect(["a", "b"], ["worker.tls"], TLS, "each name gets its certificate, others the first"),
  TLS_KEY_FILE: effect(["a", "b"], ["worker.tls"], TLS, "each name gets its certificate, others the first"),
  ADMIN_HOST: effect(["127.0.0.1", "127.0.0.2"], [], SEEN, "APP_HOST and ADMIN_HOST are where it listens"),
  ADMIN_PORT: effect(["1", "2"], [], SUPERVISOR, "names the admin port that another process has"),
  ACME_DOMAINS: effect(["a.test", "b.test"], ["acme.domains", "worker.tls"], ACME_TEST, OF_RSA, ACME),
  ACME_EMAIL: effect(["a@a.test", "b@a.test"], ["acme.email"], OF_ACCOUNT, "the account has the address of mail", ACME),
  ACME_AGREE_TOS: effect(
    ["true", "false"],
    [],
    "test/unit/config/acme.test.ts",
    "terms must be agreed to, names must be shown to somebody, and an account has a key and its id",
  ),
  ACME_DIRECTORY_URL: effect(["https://a/d", "https://b/d"], ["acme.directoryUrl"], ACME_TEST, CA_AWAY, ACME),
  ACME_CHALLENGE: effect(["http-01", "tls-alpn-01"], ["acme.challenge"], ACME_TEST, IS_ISSUED, ACME),
  ACME_KEY_TYPE: effect(["ecdsa", "rsa"], ["acme.keyType"], ACME_TEST, OF_RSA, ACME),
  ACME_CA_FILE: effect(["a", "b"], ["acme.caPem"], ACME_TEST, IS_ISSUED, ACME),
  ACME_EAB_KEY_ID: effect(["a", "b"], ["acme.externalAccount"], ACME_TEST, IS_BOUND, {
    ...ACME,
    ACME_EAB_HMAC_KEY: "x",
  }),
  ACME_EAB_HMAC_KEY: effect(["a", "b"], ["acme.externalAccount"], ACME_TEST, IS_BOUND, {
    ...ACME,
    ACME_EAB_KEY_ID: "x",
  }),
  ACME_DIR: effect(
    ["/a", "/b"],
    ["acme.directory"],
    ACME_TEST,
    "two instances share a directory: one asks, the other answers for it and shows what came",
    ACME,
  ),
  ADMIN_TOKEN: effect(
    ["correct-horse-battery", "another-horse-battery"],
    [],
    ADMIN,
    "the API and metrics want it, health does not",
  ),
  ADMIN_TOKENS: effect(
    [`ci:read:sha256:${"a".repeat(64)}`, `ci:admin:sha256:${"a".repeat(64)}`],
    [],
    "test/unit/control/admin/access/guard.test.ts",
    "each token may do what its scope says",
  ),
  ADMIN_TLS_CERT_FILE: {
    ...effect(["a", "b"], [], ADMIN_TLS, "HTTPS and nothing else, with new certificates when they change"),
    with: { ADMIN_TLS_KEY_FILE: "k" },
  },
  ADMIN_TLS_KEY_FILE: {
    ...effect(["a", "b"], [], ADMIN_TLS, "HTTPS and nothing else, with new certificates when they change"),
    with: { ADMIN_TLS_CERT_FILE: "c" },
  },
  ADMIN_TLS_CLIENT_CA_FILE: {
    ...effect(["a", "b"], [], ADMIN_TLS, "only clients with a certificate of the authority come in"),
    with: { ADMIN_TLS_CERT_FILE: "c", ADMIN_TLS_KEY_FILE: "k" },
  },
  ADMIN_ALLOWED_HOSTS: effect(
    ["a.internal", "b.internal"],
    [],
    "test/unit/control/admin/access/guard.test.ts",
    "names of ADMIN_ALLOWED_HOSTS are its own",
  ),
  TRUSTED_PROXIES: effect(
    ["10.0.0.0/8", "127.0.0.1"],
    ["worker.trustedProxies"],
    "test/integration/proxy/rewrite/rewriting.test.ts",
    "a trusted proxy's are kept and extended",
  ),
  CLIENT_HALF_CLOSE: effect(
    ["off", "on"],
    ["worker.clientHalfClose"],
    "test/integration/proxy/downstream/client-end.test.ts",
    "is served as before where clients may half-close",
  ),
  STICKY_COOKIE: effect(
    ["a", "b"],
    ["pool.stickyCookie"],
    STICKY_COOKIES,
    "without a name for it there is no cookie",
    STICKY,
  ),
  STICKY_KEYS: effect(
    ["0123456789abcdef", "0123456789abcdeF"],
    ["pool.stickyKeys"],
    STICKY_COOKIES,
    "the cookie of a key that is on its way out is good, and exchanged",
    STICKY,
  ),
  STICKY_MAX_AGE_SECONDS: effect(
    ["0", "9"],
    ["pool.stickyMaxAgeMs"],
    STICKY_LINES,
    "STICKY_MAX_AGE_SECONDS is how long it is kept",
    STICKY,
  ),
  STICKY_SAME_SITE: effect(
    ["lax", "strict"],
    ["pool.stickySameSite"],
    STICKY_LINES,
    "STICKY_SAME_SITE is what it says of other sites",
    STICKY,
  ),
  STICKY_SECURE: effect(
    ["auto", "on"],
    ["pool.stickySecure"],
    STICKY_LINES,
    "STICKY_SECURE is when it is for HTTPS alone",
    STICKY,
  ),
  UPSTREAM_HOST: effect(
    ["a", "b"],
    ["pool.upstreamHost"],
    ROUTES,
    "the pool's host is its servers', unless the route has another",
  ),
  UPSTREAM_SERVER_NAME: effect(
    ["a", "b"],
    ["pool.upstreamServerName", "fleet.upstreamServerName"],
    SERVER_TLS,
    "is asked for, and the certificate has to have it",
  ),
  UPSTREAM_CERT_FILE: effect(
    ["a", "b"],
    ["pool.upstreamCertificate", "fleet.upstreamCertificate"],
    SERVER_TLS,
    "gets it, from requests and from checks",
  ),
  UPSTREAM_KEY_FILE: effect(
    ["a", "b"],
    ["pool.upstreamCertificate", "fleet.upstreamCertificate"],
    SERVER_TLS,
    "gets it, from requests and from checks",
  ),
  HEALTH_CHECK_PORT: effect(["1", "2"], ["fleet.health"], POOLS, "what a pool is given"),
  HEALTH_CHECK_STATUSES: effect(["200-299", "204"], ["fleet.health"], POOLS, "what a pool is given"),
  HEALTH_CHECK_BODY: effect(["a", "b"], ["fleet.health"], POOLS, "what a pool is given"),
  CONCURRENCY_LIMITS: effect(
    ["off", "learned"],
    ["pool.learnsLimits"],
    "test/drill/learning/limits.test.ts",
    "CONCURRENCY_LIMITS=learned finds what servers work on at once, and requests are held; an operator ends it at once",
  ),
  REQUEST_CLASSES: effect(
    ["on", "off"],
    ["pool.requestClasses"],
    "test/integration/proxy/pick/request-classes.test.ts",
    "classes are learned where they are asked for, and both workers count work by them",
  ),
  SUBSET_SIZE: effect(["0", "50"], ["fleet.subsetSize"], POOLS, "what a pool is given"),
  PREFER_ZONE: effect(["on", "off"], ["fleet.preferZone"], POOLS, "what a pool is given"),
  APP_ZONE: effect(["a", "b"], ["fleet.zone"], POOLS, "what a pool is given"),
  TLS_MIN_VERSION: effect(["1.2", "1.3"], ["worker.clientTls"], TLS_TERMS, "TLS_MIN_VERSION=1.3 speaks nothing below"),
  TLS_CIPHERS: effect(
    ["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384"],
    ["worker.clientTls"],
    TLS_TERMS,
    "TLS_CIPHERS are those of TLS 1.2, and TLS_CURVES the groups of both versions",
  ),
  TLS_CURVES: effect(
    ["X25519", "P-256"],
    ["worker.clientTls"],
    TLS_TERMS,
    "TLS_CIPHERS are those of TLS 1.2, and TLS_CURVES the groups of both versions",
  ),
  TLS_CLIENT_AUTH: effect(
    ["request", "require"],
    ["worker.clientTls"],
    MTLS,
    "TLS_CLIENT_AUTH=request serves who shows none, too, and tells servers nothing then",
  ),
  TLS_CLIENT_CA_FILE: effect(
    ["a", "b"],
    ["worker.clientTls"],
    MTLS,
    "TLS_CLIENT_AUTH=require serves those of TLS_CLIENT_CA_FILE, and nobody else",
  ),
  TLS_CLIENT_CRL_FILE: effect(
    ["a", "b"],
    ["worker.clientTls"],
    MTLS,
    "TLS_CLIENT_CRL_FILE refuses those that were revoked",
  ),
  CLIENTS_ALLOW: effect(["10.0.0.0/8", "10.0.0.0/9"], ["worker.clientAccess"], ACCESS, DECIDED_BY_ADDRESS),
  CLIENTS_DENY: effect(["10.0.0.0/8", "10.0.0.0/9"], ["worker.clientAccess"], ACCESS, DECIDED_BY_ADDRESS),
  CLIENTS_ALLOW_FILE: effect(["a", "b"], ["worker.clientAccess"], CLIENT_LISTS, FROM_FILES),
  CLIENTS_DENY_FILE: effect(["a", "b"], ["worker.clientAccess"], CLIENT_LISTS, FROM_FILES),
  PROXY_PROTOCOL: {
    ...effect(["off", "on"], ["worker.proxyProtocol"], PROXIED, DECIDES_FOR_ITSELF),
    with: { PROXY_PROTOCOL_FROM: "10.0.0.1" },
  },
  PROXY_PROTOCOL_FROM: {
    ...effect(
      ["10.0.0.1", "10.0.0.2"],
      ["worker.proxyProtocol"],
      PROXIED,
      "whoever is not trusted is served as he comes, and refused if he sends a header",
    ),
    with: { PROXY_PROTOCOL: "on" },
  },
  UPSTREAM_PROXY_PROTOCOL: effect(
    ["v1", "v2"],
    ["pool.upstreamProxyProtocol", "fleet.upstreamProxyProtocol"],
    "test/integration/proxy/upstream/proxy-protocol.test.ts",
    "a check says that it comes from here",
  ),
  TLS_REDIRECT: effect(
    ["on", "off"],
    ["route.httpsRedirect"],
    ROUTES,
    "plain requests are sent there, with the port where we listen; those that came by it are served",
  ),
  TLS_HSTS_SECONDS: effect(
    ["0", "9"],
    ["worker.hstsMs", "route.hstsMs"],
    ROUTES,
    "it comes with what we say ourselves, too: errors, health, and what is no request",
  ),
  UPSTREAM_VIA: effect(
    ["on", "off"],
    ["pool.upstreamVia"],
    "test/integration/proxy/rewrite/rewriting.test.ts",
    "Via is left out where servers are not to know",
  ),
  HEALTH_CHECK_ENABLED: effect(["true", "false"], ["fleet.health"], SEEN, "HEALTH_CHECK_ENABLED=false asks nobody"),
  HEALTH_CHECK_TYPE: effect(
    ["http", "tcp"],
    ["fleet.health"],
    HEALTH_KINDS,
    "HEALTH_CHECK_TYPE and HEALTH_CHECK_GRPC_SERVICE say how servers are asked",
  ),
  HEALTH_CHECK_GRPC_SERVICE: effect(
    ["shop.v1.Orders", "shop.v1.Stock"],
    ["fleet.health"],
    HEALTH_KINDS,
    "HEALTH_CHECK_TYPE and HEALTH_CHECK_GRPC_SERVICE say how servers are asked",
  ),
  HEALTH_CHECK_PATH: effect(["/a", "/b"], ["fleet.health"], SEEN, "checks and polls ask what they are told to ask"),
  HEALTH_CHECK_HOST: effect(["a", "b"], ["fleet.health"], SEEN, "checks and polls ask what they are told to ask"),
  HEALTH_CHECK_HEADERS: effect(
    ["X-A: 1", "X-A: 2"],
    ["fleet.health"],
    SEEN,
    "checks and polls ask what they are told to ask",
  ),
  HEALTH_CHECK_INTERVAL_SECONDS: effect(
    ["5", "1"],
    ["fleet.health"],
    "test/unit/health/probe/schedule.test.ts",
    "with %p drawn, the next comes after %p ms, and five times as soon in a hurry",
  ),
  HEALTH_CHECK_TIMEOUT_SECONDS: effect(
    ["3", "1"],
    ["fleet.health"],
    FLEET,
    "refused, hanging and slow servers are told apart, and a dead one never counts as ready",
  ),
  HEALTH_CHECK_RETRIES: effect(
    ["3", "1"],
    ["fleet.health"],
    "test/unit/health/health-state.test.ts",
    "a proven server falls after `fall` failures in a row and rises after `rise` successes",
  ),
  HEALTH_CHECK_RISE: effect(
    ["2", "1"],
    ["fleet.health"],
    "test/unit/health/health-state.test.ts",
    "a proven server falls after `fall` failures in a row and rises after `rise` successes",
  ),
  METRICS_POLL_ENABLED: effect(
    ["true", "false"],
    ["fleet.metricsPoll"],
    FLEET,
    "polls usage where it is offered and takes the rest as unknown",
  ),
  METRICS_POLL_PATH: effect(
    ["/a", "/b"],
    ["fleet.metricsPoll"],
    SEEN,
    "checks and polls ask what they are told to ask",
  ),
  OUTLIER_EJECTION: effect(
    ["on", "off"],
    ["fleet.outlier", "pool.outlierConsecutiveFailures"],
    OUTLIERS,
    "nothing when it is off, or when the server is ejected already",
  ),
  OUTLIER_CONSECUTIVE_FAILURES: effect(
    ["5", "0"],
    ["fleet.outlier", "pool.outlierConsecutiveFailures"],
    OUTLIERS,
    "failures in a row",
  ),
  OUTLIER_FAILURE_PERCENT: effect(["50", "0"], ["fleet.outlier"], OUTLIERS, "share of failures, given enough answers"),
  OUTLIER_MINIMUM_VOLUME: effect(["20", "7"], ["fleet.outlier"], OUTLIERS, "share of failures, given enough answers"),
  OUTLIER_LATENCY_FACTOR: effect(
    ["0", "3"],
    ["fleet.outlier"],
    OUTLIERS,
    "latency against the fleet's median; unknown is no outlier",
  ),
  OUTLIER_BASE_EJECTION_SECONDS: effect(
    ["10", "20"],
    ["fleet.outlier", "pool.outlierBaseEjectionMs"],
    OUTLIERS,
    "doubles up to the maximum",
  ),
  OUTLIER_MAX_EJECTION_SECONDS: effect(["300", "20"], ["fleet.outlier"], OUTLIERS, "doubles up to the maximum"),
  OUTLIER_MAX_EJECTED_PERCENT: effect(
    ["50", "10"],
    ["fleet.outlier", "pool.outlierMaxEjectedPercent"],
    OUTLIERS,
    "the cap on ejections always leaves a server, and lets one of two or more go",
  ),
  CONNECT_TIMEOUT_MS: effect(
    ["2000", "100"],
    ["pool.connectTimeoutMs"],
    TIMEOUTS,
    "connecting: a full accept queue is another server's chance, then 504",
  ),
  REQUEST_HEAD_TIMEOUT_MS: effect(
    ["10000", "300"],
    ["worker.requestHeadTimeoutMs"],
    TIMEOUTS,
    "request head: 408 and the end, however it drips",
  ),
  REQUEST_BODY_TIMEOUT_MS: effect(
    ["30000", "300"],
    ["request.requestBodyTimeoutMs"],
    TIMEOUTS,
    "request body without progress: 408; a server that had part of it sees it broken",
  ),
  RESPONSE_HEAD_TIMEOUT_MS: effect(
    ["30000", "300"],
    ["request.responseHeadTimeoutMs"],
    TIMEOUTS,
    "response head: 504, not retried, the server's connection is closed",
  ),
  RESPONSE_BODY_TIMEOUT_MS: effect(
    ["60000", "300"],
    ["request.responseBodyTimeoutMs"],
    TIMEOUTS,
    "response body without progress is cut off visibly",
  ),
  IDLE_TIMEOUT_MS: effect(
    ["75000", "300"],
    ["worker.idleTimeoutMs"],
    TIMEOUTS,
    "idle keep-alive: closed without a word",
  ),
  TUNNEL_TIMEOUT_MS: effect(["3600000", "300"], ["request.tunnelTimeoutMs"], TIMEOUTS, "tunnels without traffic end"),
  MAX_HEADER_BYTES: effect(
    ["32768", "1024"],
    ["worker.maxHeaderBytes"],
    QUEUE,
    "new settings hold for what comes, on connections that are open too",
  ),
  MAX_HEADER_COUNT: effect(
    ["128", "8"],
    ["worker.maxHeaderCount"],
    QUEUE,
    "new settings hold for what comes, on connections that are open too",
  ),
  MAX_BODY_BYTES: effect(["0", "10"], ["request.maxBodyBytes"], SEEN, "MAX_BODY_BYTES refuses what is longer"),
  MAX_CONNECTIONS: effect(
    ["0", "10"],
    ["worker.maxConnections"],
    QUEUE,
    "over the connection limit health still answers, and the rest is 503",
  ),
  MAX_CONNECTIONS_PER_CLIENT: effect(
    ["0", "10"],
    ["worker.maxConnectionsPerClient"],
    SEEN,
    "MAX_CONNECTIONS_PER_CLIENT counts over all workers",
  ),
  MAX_REQUESTS_PER_CONNECTION: effect(
    ["0", "10"],
    ["worker.maxRequestsPerConnection"],
    "test/integration/proxy/exchange/messages.test.ts",
    "after MAX_REQUESTS_PER_CONNECTION the connection ends",
  ),
  CLIENT_MAX_CONNECTION_AGE_SECONDS: effect(
    ["0", "60"],
    ["worker.maxConnectionAgeMs"],
    HTTP2_ENDS,
    "a connection that is old enough takes no more requests",
  ),
  CLIENT_MAX_CONNECTION_AGE_GRACE_SECONDS: effect(
    ["0", "60"],
    ["worker.maxConnectionAgeGraceMs"],
    HTTP2_ENDS,
    "what outlasts the time to finish behind a connection's greatest age is given up",
  ),
  HTTP2: effect(["on", "off"], ["worker.http2"], HTTP2_CHOICE, "switched off, nobody speaks HTTP/2"),
  HTTP2_MAX_STREAMS: effect(
    ["100", "10"],
    ["worker.http2MaxStreams"],
    HTTP2_BOUNDS,
    "streams beyond the limit are refused, and may be sent again",
  ),
  RETRY_ATTEMPTS: effect(["2", "0"], ["request.retryAttempts"], RETRIES, "RETRY_ATTEMPTS=0 means one try"),
  RETRY_BUDGET_PERCENT: effect(
    ["20", "0"],
    ["pool.retryBudgetPercent"],
    RETRIES,
    "the budget bounds retries to a share of requests",
  ),
  RETRY_ON_STATUS: effect(
    ["off", "5xx"],
    ["request.retryOnStatus"],
    RETRY_STATUS,
    "only after the statuses that are configured, and after none by default",
  ),
  RETRY_ON_GRPC_STATUS: effect(
    ["off", "UNAVAILABLE"],
    ["request.retryOnGrpcStatus"],
    GRPC_RETRIES,
    "anything by default, nor another status than those that are configured",
  ),
  PER_TRY_TIMEOUT_MS: effect(
    ["0", "100"],
    ["request.perTryTimeoutMs"],
    RETRIES,
    "a time limit per attempt gives another server its chance",
  ),
  HEDGE_AFTER_MS: effect(
    ["0", "100"],
    ["request.hedgeAfterMs"],
    RETRIES,
    "a hedged request is answered by the faster one, and the other is given up",
  ),
  HEDGE_BUDGET_PERCENT: effect(
    ["5", "0"],
    ["pool.hedgeBudgetPercent"],
    RETRIES,
    "nothing that may do harm twice is hedged, and never without a budget",
  ),
  QUEUE_SIZE: effect(["1024", "0"], ["pool.queueSize"], QUEUE, "a full queue refuses at once"),
  QUEUE_TIMEOUT_MS: effect(
    ["1000", "10"],
    ["pool.queueTimeoutMs"],
    QUEUE,
    "who waits too long gets 503 with Retry-After, and its connection lives",
  ),
  UPSTREAM_IDLE_TIMEOUT_MS: effect(
    ["4000", "100"],
    ["pool.upstreamIdleTimeoutMs"],
    TIMEOUTS,
    "idle connections to servers are closed",
  ),
  UPSTREAM_MAX_IDLE: effect(
    ["256", "0"],
    ["pool.upstreamMaxIdle"],
    SEEN,
    "UPSTREAM_MAX_IDLE=0 keeps no connection to a server",
  ),
  UPSTREAM_CA_FILE: effect(
    ["a", "b"],
    ["pool.upstreamCaPem", "fleet.upstreamCaPem"],
    TLS,
    "a certificate for the name, or the address, from a known authority",
  ),
  DATA_DIR: effect(
    ["/a", "/b"],
    ["learner.store", "recorder.store"],
    LEARNING_MODELS,
    "cannot be made where DATA_DIR is a file: requests flow, it is shown, and learning goes on in memory",
  ),
  REQUEST_LOG_MAX_ROWS_PER_SECOND: effect(
    ["0", "50"],
    ["recorder.maxRequestRowsPerSecond"],
    SINGLE_REQUESTS,
    "none are kept with a cap of 0, and workers write no details then",
  ),
  REQUEST_LOG_SLOW_MS: effect(
    ["0", "100"],
    ["recorder.slowRequestMs"],
    SINGLE_REQUESTS,
    "is what takes longer than was set",
  ),
  EXPLAIN: effect(
    ["on", "off"],
    ["worker.explain"],
    "test/drill/explain.test.ts",
    "EXPLAIN is switched off and on by a reload; EXPLAIN_MEMORY_MB bounds what is taken",
  ),
  EXPLAIN_MEMORY_MB: effect(
    ["8", "16"],
    [],
    "test/drill/explain.test.ts",
    "EXPLAIN is switched off and on by a reload; EXPLAIN_MEMORY_MB bounds what is taken",
  ),
  HISTORY: effect(
    ["off", "on"],
    ["worker.history"],
    "test/integration/control/supervisor/history.test.ts",
    "is switched off and on by a reload, and its recorder started again for other settings",
  ),
  LEARNING_SAMPLES: effect(
    ["on", "off"],
    ["pool.keepSamples"],
    "test/drill/learning/samples.test.ts",
    "samples are kept under another strategy, and are there when it becomes ml; LEARNING_SAMPLES=off ends it",
  ),
  INSTANCE_NAME: effect(["a", "b"], STORES, DATABASE, IS_KEPT_THERE, WITH_DATABASE),
  DB_HOST: effect(["a.internal", "b.internal"], STORES, DATABASE, IS_KEPT_THERE, WITH_DATABASE),
  DB_PORT: effect(["5432", "5433"], STORES, DATABASE, IS_KEPT_THERE, WITH_DATABASE),
  DB_NAME: effect(["a", "b"], STORES, DATABASE, IS_KEPT_THERE, WITH_DATABASE),
  DB_USER: effect(["a", "b"], STORES, DATABASE, IS_KEPT_THERE, WITH_DATABASE),
  DB_PASSWORD: effect(["a", "b"], STORES, DATABASE, IS_KEPT_THERE, WITH_DATABASE),
  DB_SSLMODE: effect(["disable", "verify-full"], STORES, DATABASE_CONNECTION, OF_TLS, WITH_DATABASE),
  DB_SSLROOTCERT: effect(["/a.pem", "/b.pem"], STORES, DATABASE_CONNECTION, OF_TLS, {
    ...WITH_DATABASE,
    DB_SSLMODE: "verify-full",
  }),
  DB_MAX_OPEN_CONNS: effect(["25", "5"], STORES, DATABASE_CONNECTION, OF_CONNECTIONS, WITH_DATABASE),
  DB_MAX_IDLE_CONNS: effect(["10", "0"], STORES, DATABASE_CONNECTION, OF_CONNECTIONS, WITH_DATABASE),
  DB_CONN_MAX_LIFETIME_MINUTES: effect(
    ["30", "0"],
    STORES,
    DATABASE_CONNECTION,
    "is replaced when it is as old as DB_CONN_MAX_LIFETIME_MINUTES, and nothing is lost by it",
    WITH_DATABASE,
  ),
  DB_CONNECT_TIMEOUT_MS: effect(
    ["5000", "100"],
    STORES,
    DATABASE_CONNECTION,
    "takes DB_CONNECT_TIMEOUT_MS at most, whatever the other side does",
    WITH_DATABASE,
  ),
  DB_STATEMENT_TIMEOUT_MS: effect(
    ["10000", "100"],
    STORES,
    DATABASE_CONNECTION,
    "ends statements after DB_STATEMENT_TIMEOUT_MS, in the server",
    WITH_DATABASE,
  ),
  LEARNING_MAX_SAMPLES: effect(
    ["500000", "1000"],
    ["learner.maxSamples"],
    SAMPLES,
    "the oldest go beyond maxSamples, with the servers that only they name",
  ),
  LEARNING_MAX_MEGABYTES: effect(
    ["256", "16"],
    ["learner.maxBytes"],
    SAMPLES,
    "the file stays within maxBytes, whatever maxSamples says",
  ),
  HISTORY_DETAIL_HOURS: effect(
    ["72", "1"],
    ["recorder.limits"],
    HISTORY_BOUNDS,
    "counts by the second, requests and gauges after detailMs",
  ),
  HISTORY_MINUTES_DAYS: effect(
    ["31", "1"],
    ["recorder.limits"],
    HISTORY_BOUNDS,
    "counts by the minute after minutesMs",
  ),
  HISTORY_HOURS_DAYS: effect(
    ["400", "1"],
    ["recorder.limits"],
    HISTORY_BOUNDS,
    "counts by the hour and events after hoursMs, and the names that nothing has any more",
  ),
  HISTORY_MAX_MEGABYTES: effect(
    ["1024", "16"],
    ["recorder.limits"],
    HISTORY_BOUNDS,
    "the file stays within maxBytes while it is written at full speed, the newest is there, and minutes stay longer",
  ),
  OTEL_ENABLED: effect(["true", "false"], ALL_OF_TRACES, TRACES, IS_SWITCHED, TRACED),
  OTEL_SDK_DISABLED: effect(["false", "true"], ALL_OF_TRACES, OTEL, IS_OFF, TRACED),
  OTEL_TRACES_EXPORTER: effect(["otlp", "none"], ALL_OF_TRACES, OTEL, IS_OFF, TRACED),
  OTEL_SERVICE_NAME: effect(["one", "other"], ["tracer.resource"], TRACES, ARRIVES, TRACED),
  OTEL_RESOURCE_ATTRIBUTES: effect(["a=1", "a=2"], ["tracer.resource"], OTEL, IS_SAMPLED, TRACED),
  OTEL_TRACES_SAMPLER: effect(["always_on", "traceidratio"], ["worker.tracing"], OTEL, IS_SAMPLED, {
    ...TRACED,
    OTEL_TRACES_SAMPLER_ARG: "0.5",
  }),
  OTEL_TRACES_SAMPLER_ARG: effect(["1", "0.5"], ["worker.tracing"], OTEL, IS_SAMPLED, {
    ...TRACED,
    OTEL_TRACES_SAMPLER: "traceidratio",
  }),
  OTEL_PROPAGATORS: effect(
    ["tracecontext", "none"],
    ["worker.tracing"],
    OTEL,
    "without the propagator of W3C a client's trace is its own affair: it passes, and ours is another one",
    TRACED,
  ),
  OTEL_BSP_SCHEDULE_DELAY: effect(
    ["5000", "1000"],
    ["tracer.scheduleDelayMs"],
    TRACES,
    "what waits is sent when it stops",
    TRACED,
  ),
  OTEL_BSP_EXPORT_TIMEOUT: effect(["30000", "1000"], ["tracer.exportTimeoutMs"], TRACES, COSTS_SPANS, TRACED),
  OTEL_BSP_MAX_QUEUE_SIZE: effect(["2048", "1024"], ["tracer.maxQueueSpans"], TRACES, COSTS_SPANS, TRACED),
  OTEL_BSP_MAX_EXPORT_BATCH_SIZE: effect(["512", "10"], ["tracer.maxBatchSpans"], OTEL, IS_SAMPLED, TRACED),
  OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: effect(["90", "10"], ["tracer.maxValueLength"], OTEL, IS_SAMPLED, TRACED),
  OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: effect(["90", "10"], ["tracer.maxValueLength"], TRACING, BATCHES, TRACED),
  ...exporterEffects("OTEL_EXPORTER_OTLP"),
  ...exporterEffects("OTEL_EXPORTER_OTLP_TRACES"),
  ML_SERVICE_HOST: effect(["0.0.0.0", "127.0.0.1"], [], MODEL_SERVER, "a taken port and wrong settings stop the start"),
  ML_SERVICE_PORT: effect(["8081", "8082"], [], MODEL_SERVER, "a taken port and wrong settings stop the start"),
};

/** Of the settings that exist for all signals and for traces. */
function exporterEffects(prefix: string): Readonly<Record<string, Effect>> {
  const bare = { OTEL_EXPORTER_OTLP_ENDPOINT: "collector:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
  return {
    [`${prefix}_ENDPOINT`]: effect(["http://a:4318", "http://b:4318"], ["tracer.endpoint"], OTEL, TRACES_WIN),
    [`${prefix}_PROTOCOL`]: effect(
      ["http/protobuf", "grpc"],
      ["tracer.endpoint", "tracer.protocol"],
      OTEL,
      TRACES_WIN,
      TRACED,
    ),
    [`${prefix}_HEADERS`]: effect(["a=1", "a=2"], ["tracer.headers"], OTEL, TRACES_WIN, TRACED),
    [`${prefix}_TIMEOUT`]: effect(["9000", "1000"], ["tracer.timeoutMs"], TRACING, OF_TRACES, TRACED),
    [`${prefix}_COMPRESSION`]: effect(["none", "gzip"], ["tracer.compression"], OTEL, TRACES_WIN, TRACED),
    [`${prefix}_CERTIFICATE`]: effect(["a", "b"], ["tracer.caPem"], SENDERS, OVER_TLS, HTTPS),
    [`${prefix}_CLIENT_CERTIFICATE`]: effect(
      ["a", "b"],
      ["tracer.certificate"],
      TRACING_FILES,
      OF_TLS_OF_TRACES,
      HTTPS,
    ),
    [`${prefix}_CLIENT_KEY`]: effect(["a", "b"], ["tracer.certificate"], TRACING_FILES, OF_TLS_OF_TRACES, HTTPS),
    [`${prefix}_INSECURE`]: effect(["true", "false"], ["tracer.endpoint"], TRACING_FILES, OF_TLS_OF_TRACES, bare),
  };
}
