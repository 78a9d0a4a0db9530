// The text of inputs and outputs: canonical JSON (RFC 8785) for identity, plain JSON for storage.
import { type ErrorCode, TaskHubError } from './errors.js';
import { toError } from './failure.js';
import { JsonWalk, Refusal } from './json-walk.js';

/** An input as text. */
export interface EncodedInput {
  /** JSON with the keys of every object sorted by code unit (RFC 8785): equal for equal data. */
  canonical: string;
  /** JSON in the key order of the input: what is stored. The same string object where that order is canonical. */
  text: string;
}

/**
 * The canonical text of an input and the text to store.
 *
 * −0 is 0, properties whose value is `undefined` are absent, lone surrogates stay escaped. Everything else that
 * JSON would lose is refused rather than lost, since two inputs that differ would then have one id.
 *
 * @param value - plain data, at most 1,000 levels deep
 * @param where - what messages call the value, `inputs[3]`
 * @throws TaskHubError `INPUT_NOT_SERIALIZABLE`, with `details.path` and `details.kind` of the first value refused
 * @example
 * encodeInput({ b: 1, a: [-0, 'é'] }, 'inputs[0]').canonical; // '{"a":[0,"é"],"b":1}'
 * @see RFC 8785, "JSON Canonicalization Scheme"
 */
export function encodeInput(value: unknown, where: string): EncodedInput {
  const walk = new JsonWalk(true);
  try {
    walk.check(value, '', 0);
    const text = JSON.stringify(value);
    return { canonical: walk.sorted ? text : canonicalText(value), text };
  } catch (error) {
    throw refused('INPUT_NOT_SERIALIZABLE', walk.path(where), error);
  }
}

/**
 * The JSON text of what a handler returned, by the rules of `JSON.stringify`; null where that gives nothing.
 *
 * @throws TaskHubError `OUTPUT_NOT_SERIALIZABLE`, with `details.path` and `details.kind`, for what
 * `JSON.stringify` throws on, for a function or symbol, and for a fetch `Response`
 */
export function encodeOutput(value: unknown): string | null {
  const code = 'OUTPUT_NOT_SERIALIZABLE';
  if (isResponse(value)) {
    const message = 'The handler returned a Response: return `await response.json()` (or `.text()`) instead.';
    throw new TaskHubError(code, message, { details: { path: 'output', kind: 'Response' } });
  }
  let failure: unknown;
  try {
    const text: string | undefined = JSON.stringify(value);
    if (text !== undefined) return text;
    if (typeof value !== 'function' && typeof value !== 'symbol') return null;
    failure = new Refusal(typeof value);
  } catch (error) {
    failure = error;
  }
  // Only to say where: the place of the failure is looked for once it is known that there is one.
  const walk = new JsonWalk(false);
  try {
    walk.check(value, '', 0);
  } catch (error) {
    failure = error;
  }
  throw refused(code, walk.path('output'), failure);
}

function canonicalText(value: unknown): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  let members = '';
  for (const key of Object.keys(value).sort()) {
    const member: unknown = value[key as keyof typeof value];
    if (member === undefined) continue;
    members += `${members === '' ? '' : ','}${quoted(key)}:${canonicalText(member)}`;
  }
  return `{${members}}`;
}

// Three times cheaper than asking JSON.stringify for every short text.
function quoted(text: string): string {
  return /[^ !#-[\]-~]/.test(text) ? JSON.stringify(text) : `"${text}"`;
}

function refused(code: ErrorCode, path: string, error: unknown): TaskHubError {
  const { kind, phrase } =
    error instanceof Refusal
      ? error
      : new Refusal('unreadable', `a value that throws: ${toError(error).message}`);
  const message = `${path} is ${phrase}, which JSON cannot keep. Convert it, or pass \`codec\`.`;
  const cause = error instanceof Refusal ? {} : { cause: error };
  return new TaskHubError(code, message, { details: { path, kind }, ...cause });
}

function isResponse(value: unknown): boolean {
  try {
    if (typeof value !== 'object' || value === null || !('json' in value && 'headers' in value)) return false;
    const tag = Object.prototype.toString.call(value);
    return (
      typeof value.json === 'function' &&
      (tag === '[object Response]' || value.constructor.name === 'Response')
    );
  } catch {
    return false; // JSON.stringify will meet what throws here, and says where.
  }
}
