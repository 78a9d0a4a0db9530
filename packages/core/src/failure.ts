// What an error says of itself. Anything can be thrown, so nothing here throws, whatever it is given.
import type { JobFailure } from './types.js';

const MAX_MESSAGE = 4096;
const MAX_NAME = 256;
const CUT = '… (cut)';

/** A property of anything; undefined where reading it throws. */
export function read(target: unknown, key: string): unknown {
  return quietly(() => (target as Record<string, unknown> | null | undefined)?.[key]);
}

/** What `look` gives, or undefined if it throws: a getter, a proxy or a `toString` of the user's. */
export function quietly<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** An error and what it says caused it (`cause`, `errors`), outermost first, each once, at most 10. */
export function errorChain(error: unknown): unknown[] {
  const chain = [error];
  for (let at = 0; at < chain.length; at++) {
    const errors = read(chain[at], 'errors');
    const several = quietly(() => (Array.isArray(errors) ? errors.slice(0, 5) : [])) ?? [];
    for (const next of [read(chain[at], 'cause'), ...several]) {
      if (next !== undefined && next !== null && !chain.includes(next) && chain.length < 10) chain.push(next);
    }
  }
  return chain;
}

/** The HTTP status that one error of a chain has, as the usual libraries write it; 0 if it has none. */
export function statusOf(error: unknown): number {
  const response = read(error, 'response');
  const places = [
    error, // new Error('refused', { cause: 429 })
    read(error, 'status'),
    read(error, 'statusCode'),
    read(response, 'status'),
    read(response, 'statusCode'),
    read(read(error, '$metadata'), 'httpStatusCode'),
  ];
  const status = places.find((value) => /^[1-5]\d\d$/.test(textOf(value)));
  return Number(status ?? 0);
}

/** A text as it is, a number in digits, '' for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/**
 * What is kept of a failure: name and message, and the first code and HTTP status of the error or its causes.
 *
 * Messages are cut to 4,096 characters, names and codes to 256. NUL and lone surrogates, which not every store can
 * hold, become U+FFFD.
 *
 * @param thrown - anything
 */
export function describeFailure(thrown: unknown): JobFailure {
  const chain = errorChain(thrown);
  const code = chain.map((error) => textOf(read(error, 'code'))).find((text) => text !== '');
  const status = chain.map(statusOf).find((number) => number > 0);
  return {
    name: storable(nameOf(thrown), MAX_NAME),
    message: storable(messageOf(thrown), MAX_MESSAGE),
    ...(code !== undefined && { code: storable(code, MAX_NAME) }),
    ...(status !== undefined && { status }),
  };
}

/** The name of an error; that of its class where a subclass of Error was given none. */
function nameOf(thrown: unknown): string {
  const name = textOf(read(thrown, 'name'));
  return (name === 'Error' && textOf(read(read(thrown, 'constructor'), 'name'))) || name || 'Error';
}

/** The Error that was thrown; anything else comes wrapped in an Error, as its `cause`. */
export function toError(thrown: unknown): Error {
  return isError(thrown) ? thrown : new Error(messageOf(thrown), { cause: thrown });
}

function isError(thrown: unknown): thrown is Error {
  // The second look is for errors of another realm: a frame, a vm context.
  return (
    quietly(() => thrown instanceof Error || Object.prototype.toString.call(thrown) === '[object Error]') ===
    true
  );
}

function messageOf(thrown: unknown): string {
  const silent = 'something that does not say what it is';
  if (typeof thrown !== 'object' || thrown === null) return quietly(() => String(thrown)) ?? silent;
  const message = textOf(read(thrown, 'message'));
  if (message !== '') return message;
  const status = statusOf(thrown);
  const short = textOf(read(thrown, 'code')) || (status > 0 ? `HTTP ${status}` : '');
  if (short !== '' || isError(thrown)) return short || textOf(read(thrown, 'name'));
  return quietly(() => JSON.stringify(thrown)) ?? silent;
}

function storable(text: string, limit: number): string {
  const short = text.length > limit ? text.slice(0, limit - CUT.length) + CUT : text;
  return short.replaceAll('\0', '\ufffd').replace(/\p{Surrogate}/gu, '\ufffd');
}

/** @returns the text under which the error of a job is stored: JSON of a {@link JobFailure} */
export function failureText(error: unknown): string {
  return JSON.stringify(describeFailure(error));
}
