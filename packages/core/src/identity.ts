// Who is who: ids of jobs and tasks, equal in every process, runtime and store.
import { encodeInput } from './canonical-json.js';
import { hashText, type Sha256, sha256, toHex, utf8 } from './sha256.js';

/**
 * The id of the job for an input: SHA-256 (hex) of its canonical JSON.
 *
 * @param input - plain data; the order of keys does not matter
 * @throws TaskHubError `INPUT_NOT_SERIALIZABLE` for what JSON would lose
 * @example
 * (await generateJobId({ a: 1, b: 2 })) === (await generateJobId({ b: 2, a: 1 })); // true
 */
export async function generateJobId(input: unknown): Promise<string> {
  return toHex(jobHash(encodeInput(input, 'input').canonical));
}

/**
 * The id of a deterministic task.
 *
 * @param root - hex, of `computeMerkleRoot`
 * @returns SHA-256 (hex) over the byte `s`, then, each after its length as a big-endian uint32, the UTF-8 of name and root
 * @throws TaskHubError `INVALID_CONFIG` for a lone surrogate in the name
 */
export async function generateTaskId(name: string, root: string): Promise<string> {
  return taskId('s', name, root);
}

/** The id of a dynamic task: as {@link generateTaskId}, over the byte `d`, the name and the id of the source. */
export function dynamicTaskId(name: string, sourceId: string): string {
  return taskId('d', name, sourceId);
}

function taskId(tag: 's' | 'd', name: string, text: string): string {
  return hashFields([tag.charCodeAt(0)], name, text);
}

/** What a job may send as its idempotency key: the same (hex) for every attempt, in every process. */
export function idempotencyKey(taskId: string, jobId: string): string {
  return hashFields([], taskId, jobId);
}

/** The hash of a job, from the canonical text of its input. Its hex is the job id. */
export function jobHash(canonical: string, hash: Sha256 = sha256): Uint8Array {
  // Canonical JSON holds lone surrogates escaped; the text of a codec may not.
  return hashText(canonical, hash);
}

/** The hash of a job whose id was given. Two ids with one hash are one id. */
export function keyHash(key: string, hash: Sha256 = sha256): Uint8Array {
  return hashText(key, hash);
}

/** The hash of the job for the `occurrence`-th time (2 and up) that an input is in a source that runs repeats. */
export function occurrenceHash(canonical: string, occurrence: number, hash: Sha256 = sha256): Uint8Array {
  // Canonical JSON has no line break, so this is the text of no other input.
  return hashText(`${canonical}\n${occurrence}`, hash);
}

/** As {@link occurrenceHash}, for an id that was given. */
export function occurrenceKey(key: string, occurrence: number): string {
  return `${key}#${occurrence}`;
}

// The lengths keep ('ab', 'c') and ('a', 'bc') apart.
function hashFields(tag: number[], ...fields: string[]): string {
  const bytes = fields.map(utf8).flatMap((field) => [...uint32(field.length), ...field]);
  return toHex(sha256(Uint8Array.from([...tag, ...bytes])));
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}
