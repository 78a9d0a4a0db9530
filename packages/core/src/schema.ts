// Standard Schema (https://standardschema.dev), which zod, valibot, arktype and others have: values checked by it.
import { type ErrorCode, TaskHubError } from './errors.js';
import type { SchemaIssue, StandardSchema } from './types.js';

/**
 * What a schema makes of a value.
 *
 * @param where - what messages call the value, `inputs[3]`
 * @throws TaskHubError with the code, and the issues as `details.issues`
 */
export async function checkedBy<T>(
  schema: StandardSchema<T>,
  value: unknown,
  code: ErrorCode,
  where: string,
): Promise<T> {
  const result = await schema['~standard'].validate(value);
  if (result.issues === undefined) return result.value;
  const issues = result.issues.map(({ message, path }) => ({ message, path: pathOf(path) }));
  const problems = issues.map((issue) =>
    issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`,
  );
  throw new TaskHubError(code, `${where} is not what its schema says: ${problems.join('; ')}`, {
    details: { issues },
  });
}

function pathOf(path: SchemaIssue['path'] = []): string {
  return path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
}
