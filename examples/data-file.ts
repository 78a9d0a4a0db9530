// Where the examples keep their databases: in examples/.data, or in the folder that EXAMPLES_DATA names.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Path of a file in the data folder, which is made if it is not there: TaskHub makes files, not folders. */
export function dataFile(name: string): string {
  const folder = process.env.EXAMPLES_DATA ?? fileURLToPath(new URL('.data', import.meta.url));
  mkdirSync(folder, { recursive: true });
  return join(folder, name);
}
