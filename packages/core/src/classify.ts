// What kind of bad news an error is: by the facts it carries, and by its text only when it carries none.
//
// Facts are statuses, codes and names, of the error and of what caused it, outermost first. A status from 400 and a
// code of ours decide, so "404: timeout" is not retryable. One exception: 403 leaves it to the text whether it is a
// refusal, because GitHub says "rate limit exceeded" with it.
import { isTaskHubError } from './errors.js';
import { errorChain, quietly, read, statusOf, textOf } from './failure.js';

const NETWORK =
  'ECONNRESET|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EPIPE|ECONNREFUSED|UND_ERR_\\w+|' +
  'ECONNABORTED|ENETUNREACH|ENETDOWN|ENETRESET|EHOSTUNREACH|EHOSTDOWN|ESOCKETTIMEDOUT|ERR_NETWORK';

/** Codes and names that tell of a network at fault, or of a timeout: Node, undici and axios; Bun; Deno; browsers. */
const NETWORK_CODE = new RegExp(
  `^(?:${NETWORK}|Connection(?:Refused|Reset|Closed|Aborted)|FailedToOpenSocket|TimedOut|BrokenPipe|NetworkError|\\w*TimeoutError)$`,
);

/** Codes and names that tell of a refusal, also those of AWS, Google, OpenAI, Slack and Stripe. */
const REFUSAL_CODE =
  /^(?:err_|api_|slack_webapi_|stripe)?(?:429|rate_?limit(?:ed)?(?:_?(?:exceeded|reached))?|too_?many_?requests|(?:request_?)?throttl(?:ed|ing)|slow_?down|resource_exhausted|request_?limit_?exceeded|provisionedthroughputexceeded)(?:_?(?:error|exception))?$/i;

const REFUSAL_TEXT = [
  /too many requests/i,
  /\brate[ _-]limit(?:s|ed|ing|_exceeded|_error)?\b/i,
  /\b503\W{1,3}service (?:temporarily )?unavailable/i,
  statusText('429|503'),
];

const FAILURE_TEXT = [
  new RegExp(`\\b(?:${NETWORK})\\b`),
  statusText('408|425|5\\d\\d'),
  /\b(?:500\W{1,3}internal server error|502\W{1,3}bad gateway)\b/i,
  // Not as the name of a property or option: "reading 'timeout'", "options.timeout", "timeout must be a number".
  /(?:^|[^\w.'"`])time-?out(?![\w'"`]| is not| must)/i,
  /\b(?:timed[ -]out|socket hang up|terminated|connection reset|network ?error)\b/i,
  /network (?:is )?(?:down|unreachable|changed)\b/i,
  /^(?:network|fetch failed|failed to fetch|load failed)$/i,
  // Deno, of a connection that broke in the middle of an answer: no code, no cause.
  /error reading a body from connection$/,
];

// A number is a status only beside a word that says so ("HTTP 429", "status code: 429", "429 status code") or alone:
// "Order 429 not found" and "processed 500 rows" are not.
function statusText(numbers: string): RegExp {
  const said =
    '\\b(?:http(?:/\\d(?:\\.\\d)?)?|(?:http[ _-]?)?status(?:[ _-]?code)?|code)(?: error| of| is| was)?[\\s:=!#("_-]{0,3}';
  return new RegExp(
    `${said}(?:${numbers})(?!\\w|[.,]\\d)|\\b(?:${numbers}) (?:http )?status code\\b|^\\W*(?:error\\W+)?(?:${numbers})\\W*$`,
    'i',
  );
}

/**
 * Whether an error is a refusal that asks us to slow down: it spends no retry budget.
 *
 * HTTP status 429 or 503 in `status`, `statusCode`, `response.status` or a cause; codes such as `RATE_LIMITED`;
 * without such facts, texts such as "Too Many Requests", "rate limit" or "HTTP 429".
 */
export function isRateLimitedByDefault(error: unknown): boolean {
  const chain = errorChain(error);
  const refused = (link: unknown): boolean => {
    const status = statusOf(link);
    return status === 429 || status === 503 || namesOf(link).some((name) => REFUSAL_CODE.test(name));
  };
  if (chain.some(refused)) return true;
  const decided = chain.some((link) => {
    const status = statusOf(link);
    return status >= 400 ? status !== 403 : ownCode(link) !== undefined;
  });
  return !decided && saysAny(chain, REFUSAL_TEXT);
}

/**
 * Whether another attempt may help: refusals, HTTP 408, 425 and 5xx, network errors, timeouts.
 *
 * Anything else is not retryable: a bug in a handler is not run three times.
 */
export function isRetryableByDefault(error: unknown): boolean {
  if (isRateLimitedByDefault(error)) return true;
  const chain = errorChain(error);
  for (const link of chain) {
    const status = statusOf(link);
    if (status >= 400) return status === 408 || status === 425 || status >= 500;
    const code = ownCode(link);
    if (code !== undefined) return code === 'JOB_TIMEOUT';
    if (namesOf(link).some((name) => NETWORK_CODE.test(name))) return true;
  }
  return saysAny(chain, FAILURE_TEXT);
}

function ownCode(link: unknown): string | undefined {
  return quietly(() => (isTaskHubError(link) ? link.code : undefined));
}

function namesOf(link: unknown): string[] {
  return [textOf(read(link, 'code')), textOf(read(link, 'name'))];
}

function saysAny(chain: readonly unknown[], texts: readonly RegExp[]): boolean {
  const messages = chain.map((link) =>
    textOf(typeof link === 'string' ? link : read(link, 'message'))
      .slice(0, 4096)
      .trim(),
  );
  return messages.some((message) => texts.some((text) => text.test(message)));
}
