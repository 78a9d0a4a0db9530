// An HTTP answer as an error.
import { TaskHubError } from './errors.js';

/** Most characters of an answer's body that an {@link HttpError} keeps. */
const BODY_LIMIT = 2048;

/**
 * An HTTP answer that is not ok.
 *
 * `code` is `HTTP_ERROR`. The default rules read `status` (429 and 503: throttled; 408, 425, 5xx: retryable) and the
 * hints of `headers` (`Retry-After` and others).
 */
export class HttpError extends TaskHubError {
  /** HTTP status. */
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  /** The first 2,048 characters of the body. */
  readonly body: string;

  constructor(answer: {
    status: number;
    statusText?: string;
    url?: string;
    headers: { get(name: string): string | null };
    body: string;
  }) {
    const { status, url = '' } = answer;
    const reason = [status, answer.statusText].filter(Boolean).join(' ');
    super(
      'HTTP_ERROR',
      `HTTP ${reason}${url && ` from ${url}`}${answer.body && `: ${answer.body.slice(0, 200)}`}`,
      {
        details: { status, url },
      },
    );
    this.name = 'HttpError';
    this.status = status;
    this.headers = answer.headers;
    this.body = answer.body;
  }

  /** Reads the start of the body and gives the connection free. Never rejects: a body that breaks is cut there. */
  static async from(response: Response): Promise<HttpError> {
    const { status, statusText, url, headers } = response;
    return new HttpError({ status, statusText, url, headers, body: await startOfBody(response) });
  }
}

async function startOfBody(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return '';
  const decoder = new TextDecoder();
  let text = '';
  try {
    while (text.length < BODY_LIMIT) {
      const { done, value } = await reader.read();
      if (done) break;
      text += decoder.decode(value, { stream: true });
    }
    // Not awaited: a server that never ends its answer would hold the handler.
    reader.cancel().catch(() => undefined);
  } catch {
    // The status is the news; a body that breaks off (or is aborted) adds what came of it.
  }
  return text.slice(0, BODY_LIMIT);
}
