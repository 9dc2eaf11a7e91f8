/** Settings of the admin port: where it listens, and who may use it. */
import { optional, type SectionValues, setting } from "../setting.ts";
import { hostNames, listenHost } from "../values/addresses.ts";
import { adminTokens } from "../values/admin-tokens.ts";
import { bearerToken, path, portOrOff, text } from "../values/value-types.ts";

/** The admin port. */
export const admin = {
  title: "Admin API",
  doc: "Who may do what there, and how to open it to a network: docs/admin.md.",
  settings: {
    host: setting({
      env: "ADMIN_HOST",
      type: listenHost,
      default: "127.0.0.1",
      doc: "Address that the admin port listens on. Without a token, only this machine may use the API there: set ADMIN_TOKENS or ADMIN_TOKEN for others.",
      restart: true,
    }),
    port: setting({
      env: "ADMIN_PORT",
      type: portOrOff,
      default: "8090",
      doc: "Port of the admin API, which also answers the reserved paths. 0 or `off` means none, `auto` any free one, which the log names. Two instances on one machine need two.",
      restart: true,
    }),
    token: optional({
      env: "ADMIN_TOKEN",
      type: bearerToken,
      doc: "A token of scope `admin`, as it is sent: `Authorization: Bearer <token>`. With this or ADMIN_TOKENS the admin port wants a token for everything but health checks.",
      secret: true,
    }),
    tokens: optional({
      env: "ADMIN_TOKENS",
      type: adminTokens,
      doc: "Tokens with names and scopes, by their hashes: `ci:read:sha256:…`. `metrics` may read /metrics, `read` everything, `admin` change everything. `neurabalancer token new` makes one.",
      secret: true,
    }),
    tlsCertFile: optional({
      env: "ADMIN_TLS_CERT_FILE",
      type: path,
      doc: "PEM file with a certificate and its chain: the admin port speaks HTTPS, and nothing else. Its file may be replaced at any time.",
      restart: true,
    }),
    tlsKeyFile: optional({
      env: "ADMIN_TLS_KEY_FILE",
      type: path,
      doc: "PEM file with the unencrypted private key of ADMIN_TLS_CERT_FILE.",
      restart: true,
    }),
    tlsClientCaFile: optional({
      env: "ADMIN_TLS_CLIENT_CA_FILE",
      type: path,
      doc: "PEM file of authorities: whoever connects to the admin port must show a certificate of one of them. Without tokens it may do everything; with tokens it needs one as well.",
      restart: true,
    }),
    allowedHosts: optional({
      env: "ADMIN_ALLOWED_HOSTS",
      type: hostNames,
      doc: "Names under which the admin port may be reached beside localhost and addresses, comma-separated: its own in a network, or that of a proxy before it. Under others a right token is needed even for what needs none, so that no page of another site can read anything.",
    }),
  },
};

/** Commands that ask a running instance. */
export const commands = {
  title: "Commands",
  settings: {
    token: optional({
      env: "NEURABALANCER_TOKEN",
      type: text,
      doc: "The token that commands send to a running instance (`explain`, `models promote` …) where `--token` gives none. Unset means ADMIN_TOKEN.",
      secret: true,
    }),
  },
};

/** Their values. */
export type AdminSettings = SectionValues<{ admin: typeof admin }>["admin"];
