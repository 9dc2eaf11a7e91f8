/** Settings of what several instances share. */
import { optional, setting } from "../setting.ts";
import { hostAndPort } from "../values/addresses.ts";
import { integer, text, toggle } from "../values/value-types.ts";

/** Where it is. */
export const redis = {
  title: "Redis",
  doc: "What several instances share: rate limits that say `shared: on`. Requests never wait for it.",
  settings: {
    addr: optional({
      env: "REDIS_ADDR",
      type: hostAndPort(6379),
      doc: "Redis or Valkey, 5 or newer, as host:port. Unset means none.",
      restart: true,
    }),
    password: optional({
      env: "REDIS_PASSWORD",
      type: text,
      doc: "Its password. It also is the secret by which keys are hashed, which must be the same for all instances.",
      secret: true,
      restart: true,
    }),
    db: setting({
      env: "REDIS_DB",
      type: integer(0, 65_535),
      default: "0",
      doc: "Number of the database there.",
      restart: true,
    }),
    tls: setting({
      env: "REDIS_TLS",
      type: toggle,
      default: "off",
      doc: "Whether it is spoken with over TLS, with a certificate that the system's authorities have signed.",
      restart: true,
    }),
  },
};
