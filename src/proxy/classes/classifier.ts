/** Says of each request to one pool which class it is of. */
import type { ClassTable } from "../../shared/memory/layout/classes.ts";
import { ClassReader } from "./class-reader.ts";
import { PathTemplate } from "./path-template.ts";
import type { TemplateRequest, TemplateWriter } from "./template-writer.ts";

/** A request that is told its class. */
export interface ClassedRequest extends TemplateRequest {
  template: number;
  parentTemplate: number;
  requestClass: number;
}

/** One pool's, in one worker. On the request path: it allocates nothing. */
export class Classifier {
  readonly #template: PathTemplate;
  readonly #reader: ClassReader;
  readonly #writer: TemplateWriter;
  readonly #pool: number;

  /**
   * @param secret what templates are hashed with.
   * @param pool its row.
   */
  constructor(table: ClassTable, writer: TemplateWriter, secret: number, pool: number) {
    this.#template = new PathTemplate(secret);
    this.#reader = new ClassReader(table);
    this.#writer = writer;
    this.#pool = pool;
  }

  /** Sets what a request is by, and its class. */
  classify(request: ClassedRequest, nowMs: number): void {
    const template = this.#template;
    const { headBuffer, routedStart, targetEnd, method, route, grpc } = request;
    template.read(headBuffer, routedStart, targetEnd, method, route, grpc);
    request.template = template.hash;
    request.parentTemplate = template.parent;
    const own = this.#reader.find(template.hash);
    request.requestClass = own > 0 ? own : this.#reader.find(template.parent);
    if (own === 0) this.#writer.tell(template, request, this.#pool, nowMs);
  }
}
