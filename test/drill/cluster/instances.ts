/** Instances on one Redis, with requests all the while: what the drills of its bad days share. */
import { expect } from "bun:test";
import { answer, isGood, Load, Product, request, type Scripted, serversOn, startScripted, until } from "../fixture.ts";

interface ClusterAnswer {
  readonly redis: { readonly state: string; readonly reason: string | null };
  readonly members: readonly { readonly id: string; readonly self: boolean }[];
}

const ALONE = "Redis does not answer: this instance goes on alone";
const AGAIN = "Redis answers again: this instance is one of several";
/** Requests a second, to all together. */
const RATE = 60;

export class Instances {
  readonly products: readonly Product[];
  readonly #servers: readonly Scripted[];
  readonly #load: Load;
  readonly #common: Readonly<Record<string, string>>;

  private constructor(
    products: readonly Product[],
    servers: readonly Scripted[],
    common: Readonly<Record<string, string>>,
  ) {
    this.products = products;
    this.#servers = servers;
    this.#common = common;
    this.#load = new Load(RATE, (index) => request(products[index % products.length].port));
  }

  /** One for each of the settings; when they are there, they know of each other, and requests flow. */
  static async start(settings: readonly Readonly<Record<string, string>>[]): Promise<Instances> {
    const servers = await startScripted(answer, answer);
    const common = {
      SERVERS: serversOn(...servers),
      WORKERS: "1",
      LB_STRATEGY: "least_connections",
      RATE_LIMITS: "all rate=1000000/s key=client_ip shared=on",
    };
    const products = settings.map((own) => new Product({ ...common, ...own }));
    try {
      await Promise.all(products.map((product) => product.ready()));
      const instances = new Instances(products, servers, common);
      await instances.together();
      return instances;
    } catch (error) {
      await Promise.all(products.map((product) => product.kill()));
      await Promise.all(servers.map((server) => server.stop()));
      throw error;
    }
  }

  /** Waits until each of these knows of all of these, and of no other, and has said so; whatever else is shared is shared again. */
  async together(products = this.products): Promise<void> {
    await until(async () => {
      const answers = await Promise.all(products.map(clusterOf));
      if (!answers.every(({ redis, members }) => redis.state === "up" && members.length === products.length))
        return false;
      const modes = await Promise.all(products.map((product) => product.degraded("redis")));
      return modes.every((mode) => mode === 0) && products.every((one) => one.count(ALONE) === one.count(AGAIN));
    });
  }

  /** Waits until each of these is alone, and says why; meanwhile, and after it, requests have been answered. */
  async alone(why: RegExp, products = this.products): Promise<void> {
    await until(async () => {
      const answers = await Promise.all(products.map(clusterOf));
      if (!answers.every(({ redis }) => redis.state === "away" && why.test(redis.reason ?? ""))) return false;
      const modes = await Promise.all(products.map((product) => product.degraded("redis")));
      return modes.every((mode) => mode === 1);
    });
    for (const product of products) {
      const { members } = await clusterOf(product);
      expect(members.map(({ self }) => self)).toEqual([true]);
    }
    await this.flow();
  }

  /** Requests are answered as they come. */
  async flow(): Promise<void> {
    const before = this.#load.sent;
    await until(() => this.#load.sent >= before + RATE);
    await this.#load.caughtUp();
  }

  /** How often each has said that it goes on alone. */
  said(): readonly number[] {
    return this.products.map((product) => product.count(ALONE));
  }

  /** Another one, to which none of the requests are sent. It is not waited for. */
  another(settings: Readonly<Record<string, string>>): Product {
    return new Product({ ...this.#common, ...settings });
  }

  /** Ends all. No request has failed. */
  async end(): Promise<void> {
    const { outcomes } = await this.#load.stop();
    await Promise.all(this.products.map((product) => product.end()));
    await Promise.all(this.#servers.map((server) => server.stop()));
    expect(outcomes.filter((outcome) => !isGood(outcome))).toEqual([]);
  }
}

async function clusterOf(product: Product): Promise<ClusterAnswer> {
  return (await (await product.admin("/api/v1/cluster")).json()) as ClusterAnswer;
}
