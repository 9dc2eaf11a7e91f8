/**
 * Variables of docker-compose.yml. It reads them from the same `.env`, and the product itself has no use for them: it knows
 * their names, so that they are no typing mistakes, and keeps the secret ones from processes that it starts.
 */

/** A variable of the stack that is no setting. */
export interface StackVariable {
  readonly env: string;
  /** docker-compose.yml refuses to start without it. */
  readonly required?: boolean;
  /** What it takes where this is unset, if that can be said in a value. */
  readonly default?: string;
  readonly doc: string;
  /** What it may be, in a few words. */
  readonly describe: string;
  readonly secret?: boolean;
}

/** All of them, in the order of the documentation. */
export const STACK_VARIABLES: readonly StackVariable[] = [
  {
    env: "GRAFANA_ADMIN_PASSWORD",
    required: true,
    doc: "Password of Grafana's user admin; required, as DB_PASSWORD is. Grafana keeps the first one that it is given.",
    describe: "text",
    secret: true,
  },
  {
    env: "STACK_SERVERS",
    default: "http://backend-1:8001,http://backend-2:8002,http://backend-3:8003",
    doc: "Your servers, as SERVERS has them, which the stack does not read: there 127.0.0.1 would be the container itself (this machine is host.docker.internal). Empty, none: those of a configuration file count then.",
    describe: "URLs, comma-separated",
  },
  {
    env: "STACK_CLIENT_ADDRESS",
    default: "127.0.0.1",
    doc: "Address of this machine at which clients reach the balancer, at APP_PORT. 0.0.0.0 opens it to the network.",
    describe: "address",
  },
  {
    env: "STACK_OPERATOR_ADDRESS",
    default: "127.0.0.1",
    doc: "Address of this machine for all other ports: the admin port, Grafana, Prometheus, and what asks for no password at all. Leave it.",
    describe: "address",
  },
  {
    env: "STACK_STOP_GRACE",
    default: "45s",
    doc: "When the balancer and the model server are killed after they were told to stop: above SHUTDOWN_TIMEOUT_SECONDS.",
    describe: "duration",
  },
  {
    env: "NEURABALANCER_VERSION",
    doc: "Version of our three images. Unset means the one that belongs to docker-compose.yml.",
    describe: "version",
  },
];
