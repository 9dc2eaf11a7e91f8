/** Where the demo shows itself: a terminal redrawn in place, or a stream of lines. */
import type { WriteStream } from "node:tty";
import { ansiPaint, plainPaint } from "./paint.ts";
import { type DemoView, renderLine, renderView } from "./view.ts";

export interface Screen {
  /** How often to call `show`, milliseconds. */
  readonly everyMs: number;
  show(view: DemoView): void;
  /** Gives the terminal back. To be called once, also on failure. */
  close(): void;
}

/** One line a second. */
export class LineScreen implements Screen {
  readonly everyMs = 1000;
  readonly #write: (text: string) => void;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  show(view: DemoView): void {
    this.#write(`${renderLine(view)}\n`);
  }

  close(): void {}
}

/** The terminal's alternate screen, so that what was there returns when the demo ends. */
export class TerminalScreen implements Screen {
  readonly everyMs = 250;
  readonly #out: WriteStream;
  readonly #colour: boolean;

  constructor(out: WriteStream, colour: boolean) {
    this.#out = out;
    this.#colour = colour;
    out.write("\x1b[?1049h\x1b[?25l\x1b[2J");
  }

  show(view: DemoView): void {
    const { columns, rows } = this.#out;
    // A terminal that does not know its size (docker run -t, script) says 0.
    const lines = renderView(view, columns || 80, rows || 24, this.#colour ? ansiPaint : plainPaint);
    // Overwrites line by line rather than clearing first, within a synchronised update: nothing flickers.
    this.#out.write(`\x1b[?2026h\x1b[H${lines.map((line) => `${line}\x1b[K`).join("\r\n")}\x1b[J\x1b[?2026l`);
  }

  close(): void {
    this.#out.write("\x1b[?25h\x1b[?1049l");
  }
}

/** No view: for `--json`. */
export class NoScreen implements Screen {
  readonly everyMs = 1000;
  show(): void {}
  close(): void {}
}
