// The check of an option that has a few allowed values.
import { TaskHubError } from '@taskhub/core';

/** @throws TaskHubError INVALID_CONFIG with the allowed values, unless `value` is one of them or undefined */
export function assertOneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(String(value))) return;
  throw new TaskHubError(
    'INVALID_CONFIG',
    `${option} is ${JSON.stringify(value)}; allowed: ${allowed.join(', ')}.`,
    { details: { option, value, allowed } },
  );
}
