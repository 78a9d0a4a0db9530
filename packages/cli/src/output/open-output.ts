// Where rows are written to, by its name.
import type { Terminal } from '../terminal.js';
import { type Output, OutputFile } from './output-file.js';

class StandardOutput implements Output {
  readonly name = 'standard output';
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  write(text: string): Promise<void> {
    return this.#terminal.print(text);
  }

  async finish(): Promise<void> {}

  async discard(): Promise<void> {}
}

/** @param path - a file, or `-` for standard output */
export async function openOutput(path: string, terminal: Terminal): Promise<Output> {
  return path === '-' ? new StandardOutput(terminal) : OutputFile.open(path);
}
