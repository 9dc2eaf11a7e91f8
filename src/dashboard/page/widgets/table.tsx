/** Rows under headings. Where there is little room each row is a block of its own, and headings stand before their values. */
import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";
import { useEdges } from "./edges.ts";

/** One column. */
export interface Column<Row> {
  readonly title: string;
  /** The title as it is written at the head, where that is not just text. */
  readonly heading?: ComponentChildren;
  readonly cell: (row: Row) => ComponentChildren;
  /**
   * `head`: what the row is about; `number`: to the right, never broken; `acts`: buttons under a heading that is only read out;
   * `long`: sentences, broken into lines. Without it: a word or two.
   */
  readonly kind?: "head" | "number" | "acts" | "long";
  /** The value is one to look at. */
  readonly alarm?: (row: Row) => boolean;
  /** What more is to be said of the value. */
  readonly hint?: (row: Row) => string | undefined;
}

/** @param plain without space at the sides, for a table within a card's body. */
export function Table<Row>(props: {
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row, index: number) => string | number;
  readonly plain?: boolean;
}) {
  const { columns, rows, keyOf, plain = false } = props;
  const box = useRef<HTMLDivElement>(null);
  return (
    <div class={useEdges(box)}>
      <div class="scroll" ref={box}>
        <table class={`table blocks ${plain ? "plain" : ""}`}>
          <thead>
            <tr>
              {columns.map(({ title, heading = title, kind }) => (
                <th scope="col" key={title} class={kind === "number" ? "num" : undefined}>
                  {kind === "acts" ? <span class="hidden">{title}</span> : heading}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, i) => (
              <tr key={keyOf(row, i)}>
                {columns.map((column) => (
                  <Cell key={column.title} column={column} row={row} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}

const CLASSES = { head: "wrap", number: "num", acts: "num acts", long: "wrap" } as const;

function Cell<Row>({ column, row }: { readonly column: Column<Row>; readonly row: Row }) {
  const { title, kind, cell, alarm, hint } = column;
  const classes = [kind === undefined ? "" : CLASSES[kind], alarm?.(row) ? "alarm" : ""].filter(Boolean).join(" ");
  const common = { class: classes === "" ? undefined : classes, title: hint?.(row) };
  if (kind === "head") {
    return (
      <th scope="row" {...common}>
        {cell(row)}
      </th>
    );
  }
  return (
    <td {...common} data-title={kind === "acts" ? undefined : title}>
      {cell(row)}
    </td>
  );
}
