/** Where the API server of Kubernetes is, and what it is shown: as in every pod, or as the settings say. */
/** The section `kubernetes` of the configuration. */
export interface KubernetesPlace {
  /** `https://host:port` or `http://host:port`; `null` = as `kubeconfig` says. */
  readonly apiServer: string | null;
  /** Paths with colons between them; `null` = what Kubernetes tells its pods. */
  readonly kubeconfig: string | null;
  /** Which of `kubeconfig`'s; `null` = the current one. */
  readonly context: string | null;
  /** What Kubernetes tells its pods; `null` = this is none. */
  readonly serviceHost: string | null;
  readonly servicePort: number | null;
  readonly tokenFile: string;
  readonly caFile: string;
}

/** Nothing is configured, and this is no pod. */
export const NO_KUBERNETES: KubernetesPlace = {
  apiServer: null,
  kubeconfig: null,
  context: null,
  serviceHost: null,
  servicePort: null,
  tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token",
  caFile: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
};

/** How it is spoken to, as the files say it at this moment: tokens and authorities are replaced while we run. */
export interface ApiAccess {
  /** Without a slash at its end. */
  readonly url: string;
  /** `null` = none is shown. */
  readonly token: string | null;
  /** PEM; `null` = the authorities that the system trusts. */
  readonly ca: string | null;
  /** PEM of a client certificate and its key; `null` = none is shown. */
  readonly cert: string | null;
  readonly key: string | null;
}
