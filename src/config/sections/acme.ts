/** Settings of certificates that the instance gets by itself (ACME, RFC 8555). */
import { ACME_CHALLENGES, ACME_KEY_TYPES } from "../../protocol/acme.ts";
import { optional, setting } from "../setting.ts";
import { email, httpsUrl } from "../values/acme-values.ts";
import { domainList } from "../values/domains.ts";
import { oneOf, path, text, toggle } from "../values/value-types.ts";

/** Certificates by ACME. */
export const acme = {
  title: "Certificates by ACME",
  doc: "Certificates are asked for, renewed and put in use without anybody's doing. docs/tls.md tells how to begin.",
  settings: {
    domains: optional({
      env: "ACME_DOMAINS",
      type: domainList,
      doc: "Names that certificates are got for by ACME, one for each, at TLS_PORT or listeners with tls. They must lead here. Those of TLS_CERT_FILE are used beside them. Unset means that none are asked for.",
      common: true,
    }),
    email: optional({
      env: "ACME_EMAIL",
      type: email,
      doc: "Where the CA may write to about these certificates.",
    }),
    agreed: setting({
      env: "ACME_AGREE_TOS",
      type: toggle,
      default: "off",
      doc: "You have read the terms of service of the CA and agree to them. Without that no CA gives certificates.",
    }),
    directoryUrl: setting({
      env: "ACME_DIRECTORY_URL",
      type: httpsUrl,
      default: "https://acme-v02.api.letsencrypt.org/directory",
      doc: "The CA. Begin with https://acme-staging-v02.api.letsencrypt.org/directory, which nobody's browser trusts and which forgives mistakes; after a change new certificates are asked for.",
    }),
    challenge: setting({
      env: "ACME_CHALLENGE",
      type: oneOf(ACME_CHALLENGES),
      default: "http-01",
      doc: "How the CA sees that a name is yours: `http-01` asks in clear at port 80, `tls-alpn-01` in a TLS handshake at port 443. That port must lead to one that we listen on.",
    }),
    keyType: setting({
      env: "ACME_KEY_TYPE",
      type: oneOf(ACME_KEY_TYPES),
      default: "ecdsa",
      doc: "Keys of certificates: `ecdsa` (P-256), or `rsa` (2048 bits) for very old clients.",
    }),
    caFile: optional({
      env: "ACME_CA_FILE",
      type: path,
      doc: "PEM file of the authorities that the CA's own certificate may be signed by: for a CA of your own. Unset means the system's.",
    }),
    externalKeyId: optional({
      env: "ACME_EAB_KEY_ID",
      type: text,
      doc: "Key id of an account that you have with the CA (external account binding), where it wants one.",
    }),
    externalHmacKey: optional({
      env: "ACME_EAB_HMAC_KEY",
      type: text,
      doc: "Its key, base64url. Needs ACME_EAB_KEY_ID.",
      secret: true,
    }),
    directory: optional({
      env: "ACME_DIR",
      type: path,
      doc: "Directory of account, keys and certificates, made when it is missing. Instances that serve the same names share one, also over a network. Unset means `acme` in DATA_DIR.",
    }),
  },
};
