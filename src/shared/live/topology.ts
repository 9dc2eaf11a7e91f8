/** What stays as it is from second to second: the event `topology` of `GET /api/v1/live`, and a part of `…/live/recent`. */

/** A server by what it is called. */
export interface KnownServer {
  readonly id: number;
  /** `host:port` as configured. */
  readonly name: string;
  readonly pool: string;
  readonly url: string;
  /** The address behind a name in the URL. */
  readonly address: string;
  readonly zone: string | null;
  readonly backup: boolean;
  readonly configured_weight: number;
  /** 0 = none. */
  readonly configured_capacity: number;
  /** `configuration`, `admin API` or `store`. */
  readonly weight_origin: string;
  readonly capacity_origin: string;
}

/** A pool. */
export interface KnownPool {
  readonly name: string;
  readonly strategy: string;
  /** A route leads there. */
  readonly in_use: boolean;
  /** It tells classes of requests apart (`REQUEST_CLASSES`): `/api/v1/classes` has them. */
  readonly request_classes: boolean;
}

/** A route, and where it leads. */
export interface KnownRoute {
  readonly name: string;
  /** Empty = it answers itself. */
  readonly targets: readonly { readonly pool: string; readonly weight: number }[];
}

/** Everything that frames leave out. */
export interface LiveTopology {
  /** Grows with every change. */
  readonly topology: number;
  readonly instance: {
    /** Of the machine. */
    readonly name: string;
    readonly version: string;
    readonly runtime: string;
    readonly pid: number;
    /** Milliseconds since the epoch. */
    readonly started: number;
    /** What the numbers add up: `this instance's 4 workers`. */
    readonly adds_up_over: string;
    /** It was started by `neurabalancer demo`: there is `/api/v1/demo`. */
    readonly demo: boolean;
    /** Events are also kept in a store: `/api/v1/events` and `/api/v1/stats` answer. */
    readonly history: boolean;
  };
  readonly strategies: readonly { readonly name: string; readonly description: string }[];
  readonly listeners: readonly { readonly host: string; readonly port: number; readonly tls: boolean }[];
  readonly certificates: readonly { readonly name: string; readonly expires: number }[];
  readonly pools: readonly KnownPool[];
  readonly routes: readonly KnownRoute[];
  readonly servers: readonly KnownServer[];
}
