import { describe, expect, test } from 'vitest';
import { isRateLimitedByDefault, isRetryableByDefault } from '../src/classify.js';
import { TaskHubError } from '../src/errors.js';
import { HttpError } from '../src/http.js';
import { HOSTILE } from './hostile.js';

type Kind = 'throttled' | 'retryable' | 'final';

function kindOf(error: unknown): Kind {
  if (isRateLimitedByDefault(error)) return isRetryableByDefault(error) ? 'throttled' : 'final';
  return isRetryableByDefault(error) ? 'retryable' : 'final';
}

const failure = (message: string, facts: object = {}): Error => Object.assign(new Error(message), facts);
const because = (cause: unknown, message = 'upload failed', facts: object = {}): Error =>
  Object.assign(new Error(message, { cause }), facts);
const named = (name: string, message = ''): Error => failure(message, { name });
const http = (status: number, body = ''): HttpError =>
  new HttpError({ status, headers: new Headers(), body });

const itself: { message: string; cause?: unknown } = { message: 'HTTP 503' };
itself.cause = itself;

const FACTS: [what: string, error: unknown, kind: Kind][] = [
  ['status 429', { status: 429 }, 'throttled'],
  ['status "503"', { status: '503' }, 'throttled'],
  ['statusCode 429', failure('no', { statusCode: 429 }), 'throttled'],
  ['response.status 503 (axios, ky)', failure('no', { response: { status: 503 } }), 'throttled'],
  ['response.statusCode 429 (got)', failure('no', { response: { statusCode: 429 } }), 'throttled'],
  ['$metadata.httpStatusCode 503 (AWS)', failure('no', { $metadata: { httpStatusCode: 503 } }), 'throttled'],
  ['a cause with status 429', because({ status: 429 }), 'throttled'],
  ['a cause of a cause with status 429', because(because({ statusCode: '429' })), 'throttled'],
  ['a cause that is a status', because(429), 'throttled'],
  ['status 500 because of a 429', because({ status: 429 }, 'bad gateway', { status: 500 }), 'throttled'],
  ['a Response that was thrown', new Response(null, { status: 429 }), 'throttled'],
  ['HttpError 429', http(429), 'throttled'],
  ['one of several errors was refused', new AggregateError([failure('no'), { status: 429 }]), 'throttled'],
  ['code RATE_LIMITED', { code: 'RATE_LIMITED' }, 'throttled'],
  ['code rate_limit_exceeded (OpenAI)', failure('no', { code: 'rate_limit_exceeded' }), 'throttled'],
  ['code TOO_MANY_REQUESTS (tRPC)', failure('no', { code: 'TOO_MANY_REQUESTS' }), 'throttled'],
  [
    'code slack_webapi_rate_limited_error',
    failure('no', { code: 'slack_webapi_rate_limited_error' }),
    'throttled',
  ],
  ['code 429 (Google)', failure('no', { code: 429 }), 'throttled'],
  ['code RESOURCE_EXHAUSTED (Google)', because(failure('no', { code: 'RESOURCE_EXHAUSTED' })), 'throttled'],
  ['ThrottlingException (AWS)', named('ThrottlingException'), 'throttled'],
  ['TooManyRequestsException (AWS)', named('TooManyRequestsException'), 'throttled'],
  [
    'ProvisionedThroughputExceededException (AWS)',
    named('ProvisionedThroughputExceededException'),
    'throttled',
  ],
  ['SlowDown (S3)', named('SlowDown'), 'throttled'],
  ['RateLimitError', named('RateLimitError'), 'throttled'],
  ['StripeRateLimitError', named('StripeRateLimitError'), 'throttled'],
  ...[
    'ERR_TOO_MANY_REQUESTS',
    'API_RATE_LIMIT_EXCEEDED',
    'RATE_LIMIT_REACHED',
    'THROTTLED',
    'RequestLimitExceeded',
  ].map((code): (typeof FACTS)[number] => [`code ${code}`, failure('no', { code }), 'throttled']),

  ['status 500', { status: 500 }, 'retryable'],
  ['status 599 as text', { statusCode: '599' }, 'retryable'],
  ['status 408', http(408), 'retryable'],
  ['status 425', failure('no', { response: { status: 425 } }), 'retryable'],
  ['a cause with status 502', because(http(502)), 'retryable'],
  ...['ECONNRESET', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'EPIPE', 'ECONNREFUSED', 'UND_ERR_SOCKET'].flatMap(
    (code): typeof FACTS => [
      [`code ${code}`, failure('no', { code }), 'retryable'],
      [`cause.code ${code}`, new TypeError('fetch failed', { cause: { code } }), 'retryable'],
    ],
  ),
  ...[
    'EHOSTUNREACH',
    'EHOSTDOWN',
    'ENETUNREACH',
    'ENETDOWN',
    'ENETRESET',
    'ESOCKETTIMEDOUT',
    'ERR_NETWORK',
    'ConnectionClosed',
    'ConnectionAborted',
    'FailedToOpenSocket',
  ].map((code): (typeof FACTS)[number] => [`code ${code}`, { code }, 'retryable']),
  ...['TimedOut', 'BrokenPipe', 'NetworkError'].map((name): (typeof FACTS)[number] => [
    `${name} (Deno, browsers)`,
    named(name),
    'retryable',
  ]),
  ['code ECONNABORTED (axios)', failure('no', { code: 'ECONNABORTED' }), 'retryable'],
  ['code ConnectionRefused (Bun)', failure('Unable to connect.', { code: 'ConnectionRefused' }), 'retryable'],
  ['ConnectionReset (Deno)', named('ConnectionReset'), 'retryable'],
  [
    'addresses that all refused',
    Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' }),
    'retryable',
  ],
  [
    'errors of which one is of the network',
    new AggregateError([failure('no'), { code: 'EPIPE' }]),
    'retryable',
  ],
  [
    'AbortSignal.timeout()',
    new DOMException('The operation was aborted due to timeout', 'TimeoutError'),
    'retryable',
  ],
  ['HeadersTimeoutError (undici)', named('HeadersTimeoutError'), 'retryable'],
  ['JOB_TIMEOUT', new TaskHubError('JOB_TIMEOUT', 'no'), 'retryable'],
  [
    'status 200 of an answer that broke off',
    failure('no', { response: { status: 200 }, code: 'ECONNRESET' }),
    'retryable',
  ],

  ['status 400', { status: 400 }, 'final'],
  ['status 404', http(404), 'final'],
  ['status 0', { status: 0 }, 'final'],
  ['a status that is none', { status: 4290, statusCode: '50', response: { status: true } }, 'final'],
  ['a code that is like one', { code: 'ECONNRESETTING' }, 'final'],
  ['code INVALID_RATE_LIMIT', { code: 'INVALID_RATE_LIMIT' }, 'final'],
  ['code CORPORATE_LIMIT', { code: 'CORPORATE_LIMIT' }, 'final'],
  ['code RATE_LIMITER_MISSING', { code: 'RATE_LIMITER_MISSING' }, 'final'],
  ['a name that ends like one', named('NotTimedOut'), 'final'],
  ['AbortError', new DOMException('This operation was aborted', 'AbortError'), 'final'],
  ['OUTPUT_NOT_SERIALIZABLE', new TaskHubError('OUTPUT_NOT_SERIALIZABLE', 'no'), 'final'],
];

const TEXTS: [message: string, kind: Kind][] = [
  ['Too Many Requests', 'throttled'],
  ['429 Too Many Requests', 'throttled'],
  ['API rate limit exceeded for 1.2.3.4', 'throttled'],
  ['Rate-limited: slow down', 'throttled'],
  ['rate_limit_error: try later', 'throttled'],
  ['This is over the rate limits of your plan', 'throttled'],
  ['Rate limiting is in effect', 'throttled'],
  ['rate limit_exceeded', 'throttled'],
  ['HTTP 429', 'throttled'],
  ['a status of 503', 'throttled'],
  ['the status code is 429', 'throttled'],
  ['the status was 429', 'throttled'],
  ['HTTP/1.1 503', 'throttled'],
  ['HTTP error 503', 'throttled'],
  ['HTTP error! status: 429', 'throttled'],
  ['Request failed with status code 429', 'throttled'],
  ['Response code 503 (Service Unavailable)', 'throttled'],
  ['statusCode=429', 'throttled'],
  ['got a 429 status code', 'throttled'],
  ['code: 503.', 'throttled'],
  ['429', 'throttled'],
  [' [503] ', 'throttled'],
  ['Error: 429', 'throttled'],
  ['503 Service Unavailable', 'throttled'],

  ['HTTP 408', 'retryable'],
  ['HTTP 425: too early', 'retryable'],
  ['upstream said HTTP 500', 'retryable'],
  ['HTTP error! status: 502', 'retryable'],
  ['502 Bad Gateway', 'retryable'],
  ['500 Internal Server Error', 'retryable'],
  ['504 Gateway Time-out', 'retryable'],
  ['read ECONNRESET', 'retryable'],
  ['getaddrinfo EAI_AGAIN api.example.com', 'retryable'],
  ['connect ECONNREFUSED 127.0.0.1:80', 'retryable'],
  ['UND_ERR_CONNECT_TIMEOUT', 'retryable'],
  ['timeout', 'retryable'],
  ['timeout of 1000ms exceeded', 'retryable'],
  ['The request timed out.', 'retryable'],
  ['socket hang up', 'retryable'],
  ['terminated', 'retryable'],
  ['Connection reset by peer', 'retryable'],
  ['Network Error', 'retryable'],
  ['NetworkError when attempting to fetch resource.', 'retryable'],
  ['network unreachable', 'retryable'],
  ['The network is down', 'retryable'],
  ['network changed', 'retryable'],
  ['Network is unreachable', 'retryable'],
  ['network', 'retryable'],
  ['fetch failed', 'retryable'],
  ['Failed to fetch', 'retryable'],
  ['Load failed', 'retryable'],
  ['error reading a body from connection', 'retryable'],

  ['', 'final'],
  ['Order 4291 not found', 'final'],
  ['Order 429 not found', 'final'],
  ['0x52908400098527886e0f7030069857d2e4169ee7429de709bd', 'final'],
  ['processed 500 rows', 'final'],
  ['value 2500', 'final'],
  ['Unknown network: base', 'final'],
  ['failed to fetch avatar: 404', 'final'],
  ['HTTP 404', 'final'],
  ['HTTP 4290', 'final'],
  ['status 429.5 is out of range', 'final'],
  ['cannot decode 503 bytes', 'final'],
  ['barcode 429', 'final'],
  ['zip code 50312', 'final'],
  ['GET http://503.example.com/', 'final'],
  ['429 items were rejected', 'final'],
  ['the corporate limit is reached', 'final'],
  ['rateLimiter is not defined', 'final'],
  ['the rate limiter is not set up', 'final'],
  ['Order 1503: service unavailable', 'final'],
  ['logged 1500 internal server error lines', 'final'],
  ['counted 502 bad gateways', 'final'],
  ['wrote 1429 status code rows', 'final'],
  ['knows 429 status codes', 'final'],
  ["Cannot read properties of undefined (reading 'timeout')", 'final'],
  ['options.timeout is read-only', 'final'],
  ['timeout is not defined', 'final'],
  ['timeout must be a number', 'final'],
  ['timeoutMs is read-only', 'final'],
  ['a timed outage is planned', 'final'],
  ['a network download is missing', 'final'],
  ['Unknown network', 'final'],
  [`${'x'.repeat(5000)} HTTP 503`, 'final'],
  ['setTimeout is not a function', 'final'],
  ['Unterminated string in JSON at position 5', 'final'],
  ['MYECONNRESET', 'final'],
  ['load failed: no such file', 'final'],
  ['error reading a body from connection string', 'final'],
  ["Cannot read properties of undefined (reading 'id')", 'final'],
];

const ORDER: [what: string, error: unknown, kind: Kind][] = [
  ['a status decides against the text: 404 timeout', failure('timeout', { status: 404 }), 'final'],
  [
    'a status decides against the text: 400 rate limit',
    failure('rate limit must be positive', { status: 400 }),
    'final',
  ],
  ['a status decides against the text: 400 timeout', failure('timeout', { status: 400 }), 'final'],
  ['a status of a cause decides against a text of refusal', because(http(404), 'HTTP 503'), 'final'],
  ['a status of the answer decides', failure('HTTP 503', { response: { status: 422 } }), 'final'],
  ['a status decides against a code', failure('no', { status: 404, code: 'ECONNRESET' }), 'final'],
  ['a status of a cause decides against the text', because(http(404), 'timeout'), 'final'],
  ['the outer fact decides', because(http(404), 'no', { code: 'ECONNRESET' }), 'retryable'],
  [
    'a code of ours decides against the text',
    new TaskHubError('OUTPUT_NOT_SERIALIZABLE', 'timeout: HTTP 503'),
    'final',
  ],
  ['403 leaves it to the text (GitHub)', http(403, 'You have exceeded a secondary rate limit'), 'throttled'],
  ['403 is final otherwise', http(403, 'timeout'), 'final'],
  ['the text of a cause counts', because(failure('socket hang up')), 'retryable'],
  ['an unknown code leaves it to the text', failure('request timed out', { code: 'UPSTREAM' }), 'retryable'],
  ['a text that was thrown', 'Too Many Requests', 'throttled'],
  ['a number that was thrown', 503, 'throttled'],
  ['an object with a message', { message: 'socket hang up' }, 'retryable'],
  ['an error that is its own cause', itself, 'throttled'],
  ['a chain without end', endless(), 'final'],
];

describe('classify', () => {
  test.each(FACTS)('fact: %s', (_, error, kind) => expect(kindOf(error)).toBe(kind));
  test.each(TEXTS)('text: %j is %s', (message, kind) => expect(kindOf(new TypeError(message))).toBe(kind));
  test.each(ORDER)('order: %s', (_, error, kind) => expect(kindOf(error)).toBe(kind));
  test.each(HOSTILE)('anything may be thrown: %s', (_, thrown) => expect(kindOf(thrown)).toBe('final'));
});

function endless(): unknown {
  return {
    get cause() {
      return endless();
    },
  };
}
