/** Where services of Kubernetes are asked for. */
import { optional, setting } from "../setting.ts";
import { apiServerHost, apiServerUrl } from "../values/kubernetes.ts";
import { path, port, text } from "../values/value-types.ts";

const MOUNTED = "/var/run/secrets/kubernetes.io/serviceaccount";

/** For `k8s://…` in `SERVERS`; in a pod nothing need be said. */
export const kubernetes = {
  title: "Kubernetes",
  doc: "For servers that are written k8s://namespace/service ([docs/kubernetes.md](kubernetes.md)). In a pod nothing need be set.",
  settings: {
    apiServer: optional({
      env: "KUBERNETES_API_SERVER",
      type: apiServerUrl,
      doc: "The API server, such as https://10.0.0.1:6443; http:// (as of `kubectl proxy`) is spoken to without a token. Unset means the one that KUBECONFIG says.",
    }),
    kubeconfig: optional({
      env: "KUBECONFIG",
      type: path,
      doc: "kubeconfig file, as kubectl has one, where KUBERNETES_API_SERVER is not set; several with colons between them. It is read again with each question. Unset means the API server that Kubernetes tells its pods.",
    }),
    context: optional({
      env: "KUBERNETES_CONTEXT",
      type: text,
      doc: "Context of KUBECONFIG. Unset means its current one.",
    }),
    serviceHost: optional({
      env: "KUBERNETES_SERVICE_HOST",
      type: apiServerHost,
      doc: "Host of the API server. Kubernetes sets it in every pod.",
    }),
    servicePort: optional({
      env: "KUBERNETES_SERVICE_PORT",
      type: port(1),
      doc: "Port of the API server. Kubernetes sets it in every pod; unset means 443.",
    }),
    tokenFile: setting({
      env: "KUBERNETES_TOKEN_FILE",
      type: path,
      default: `${MOUNTED}/token`,
      doc: "File with the token that the API server is shown. It is read again with each question, because tokens are replaced every hour.",
    }),
    caFile: setting({
      env: "KUBERNETES_CA_FILE",
      type: path,
      default: `${MOUNTED}/ca.crt`,
      doc: "PEM file of the authorities that the API server is verified by. With KUBERNETES_API_SERVER, a file that is not there means those of the system.",
    }),
  },
};
