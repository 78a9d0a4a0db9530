// Schemas of a job file: how messages say what is wrong with a row.
import type { SchemaIssue, StandardSchema } from '@shelchin/taskhub';

export type Schema = StandardSchema<unknown>;

/** `population: expected a number; name: is missing` */
export function problemsOf(issues: readonly SchemaIssue[]): string {
  return issues
    .map(({ message, path = [] }) => {
      const keys = path.map((part) => String(typeof part === 'object' ? part.key : part));
      return keys.length === 0 ? message : `${keys.join('.')}: ${message}`;
    })
    .join('; ');
}
