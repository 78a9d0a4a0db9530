// A file that is complete or absent under its name: written beside it, flushed to the disk, then renamed.
import { constants } from 'node:fs';
import { access, type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { UsageError } from '../usage-error.js';

/** Characters that are collected before they are written. */
const BLOCK = 1 << 16;

/** Where rows are written to: a file, or standard output. */
export interface Output {
  /** How messages call it. */
  readonly name: string;
  /** Resolves when there is room for more. */
  write(text: string): Promise<void>;
  /** Makes what was written the output. */
  finish(): Promise<void>;
  /** Gives it up: nothing is left behind. */
  discard(): Promise<void>;
}

export class OutputFile implements Output {
  readonly name: string;
  readonly #path: string;
  readonly #temporary: string;
  readonly #file: FileHandle;
  #block = '';

  private constructor(path: string, name: string, temporary: string, file: FileHandle) {
    this.#path = path;
    this.name = name;
    this.#temporary = temporary;
    this.#file = file;
  }

  /**
   * Makes the temporary file, so that a folder that cannot be written is found before anything is done.
   *
   * @throws UsageError when it cannot be made
   */
  static async open(name: string): Promise<OutputFile> {
    const path = resolve(name);
    const temporary = `${path}.${process.pid}.tmp`;
    try {
      // One that is not there yet is what is wanted; what else is wrong with it, open() says.
      if ((await stat(path).catch(() => undefined))?.isDirectory()) throw new Error('it is a folder');
      await access(dirname(path), constants.W_OK);
      await removeLeft(path);
      return new OutputFile(path, name, temporary, await open(temporary, 'w'));
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const reason =
        code === 'ENOENT'
          ? `there is no folder ${dirname(path)}`
          : code === 'EACCES' || code === 'EROFS'
            ? `the folder ${dirname(path)} cannot be written`
            : message;
      throw new UsageError(`${name} cannot be written: ${reason}.`, [], { cause: error });
    }
  }

  async write(text: string): Promise<void> {
    this.#block += text;
    if (this.#block.length >= BLOCK) await this.#flush();
  }

  async finish(): Promise<void> {
    await this.#flush();
    await this.#file.sync();
    await this.#file.close();
    await rename(this.#temporary, this.#path);
    const folder = await open(dirname(this.#path), 'r');
    try {
      await folder.sync(); // the new name survives power loss, too
    } finally {
      await folder.close();
    }
  }

  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#temporary, { force: true });
  }

  async #flush(): Promise<void> {
    const block = this.#block;
    this.#block = '';
    await this.#file.write(block);
  }
}

/** Removes the temporary files of processes that were killed. */
async function removeLeft(path: string): Promise<void> {
  const begin = `${basename(path)}.`;
  for (const name of await readdir(dirname(path))) {
    const pid = name.startsWith(begin) ? /^(\d+)\.tmp$/.exec(name.slice(begin.length))?.[1] : undefined;
    if (pid !== undefined && !isAlive(Number(pid))) await rm(join(dirname(path), name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it is there, and another user's
  }
}
