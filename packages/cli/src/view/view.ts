// What a person sees of a run: on a terminal a few lines that are written anew, else one line every few seconds.
import { createLogUpdate } from 'log-update';
import type { Terminal } from '../terminal.js';
import { fit } from '../text.js';
import { type Colors, type Frame, renderFrame, renderLine } from './frame.js';

const REFRESH_MS = 200;
const LINE_MS = 5000;

export interface View {
  /** Writes a line that stays. */
  say(line: string): void;
  /** Shows the last state, and no more. */
  end(): void;
}

/** What is shown; asked for whenever it is. */
export interface Picture {
  lines(columns: number, colors: Colors): string[];
  /** The same on one line. */
  line(): string;
}

export function openView(terminal: Terminal, picture: Picture): View {
  return terminal.isLive ? new LiveView(terminal, picture) : new LineView(terminal, picture);
}

export function pictureOf(frame: () => Frame): Picture {
  return {
    lines: (columns, colors) => renderFrame(frame(), columns, colors),
    line: () => renderLine(frame()),
  };
}

/** A text that changes. */
export function pictureOfText(text: () => string): Picture {
  return { lines: (columns) => [fit(text(), columns - 1)], line: text };
}

class LiveView implements View {
  readonly #terminal: Terminal;
  readonly #picture: Picture;
  // The cursor is left alone: a process that is killed could not show it again.
  readonly #update: ReturnType<typeof createLogUpdate>;
  readonly #timer: NodeJS.Timeout;

  constructor(terminal: Terminal, picture: Picture) {
    this.#terminal = terminal;
    this.#picture = picture;
    this.#update = createLogUpdate(terminal.err, { showCursor: true });
    this.#timer = setInterval(() => this.#show(), REFRESH_MS);
    this.#timer.unref();
    this.#show();
  }

  say(line: string): void {
    this.#update.clear();
    this.#terminal.say(line);
    this.#show();
  }

  end(): void {
    clearInterval(this.#timer);
    this.#show();
    this.#update.done();
  }

  #show(): void {
    const { columns, rows } = this.#terminal.err;
    const lines = this.#picture.lines(columns || 80, this.#terminal.colors);
    this.#update(lines.slice(0, Math.max(1, (rows || 24) - 1)).join('\n'));
  }
}

class LineView implements View {
  readonly #terminal: Terminal;
  readonly #picture: Picture;
  readonly #timer: NodeJS.Timeout;
  #last = '';

  constructor(terminal: Terminal, picture: Picture) {
    this.#terminal = terminal;
    this.#picture = picture;
    this.#timer = setInterval(() => this.#show(), LINE_MS);
    this.#timer.unref();
  }

  say(line: string): void {
    this.#terminal.say(line);
  }

  end(): void {
    clearInterval(this.#timer);
    this.#show();
  }

  #show(): void {
    const line = this.#picture.line();
    if (line !== this.#last) this.#terminal.say(line);
    this.#last = line;
  }
}
