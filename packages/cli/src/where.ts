// Conditions on failures: `code=HTTP_ERROR,status=404`.
import type { FailedJob } from '@shelchin/taskhub';
import { InvalidArgumentError } from 'commander';

const FIELDS = ['code', 'status', 'name', 'message'] as const;
type Field = (typeof FIELDS)[number];

/** What must hold, all of it. */
export type Where = readonly { field: Field; value: string }[];

/** Adds the conditions of one `--where` to those before it. */
export function parseWhere(text: string, before: Where = []): Where {
  const conditions = text.split(',').map((part) => {
    const [, name, value] = /^\s*(\w+)=(.*)$/s.exec(part) ?? [];
    const field = FIELDS.find((each) => each === name);
    if (field !== undefined && value !== undefined && value !== '') return { field, value };
    throw new InvalidArgumentError(`Write ${FIELDS.map((each) => `${each}=…`).join(', ')}.`);
  });
  return [...before, ...conditions];
}

/** `message` holds the value; the other fields are equal to it. */
export function matches({ failure }: Pick<FailedJob, 'failure'>, where: Where = []): boolean {
  return where.every(({ field, value }) =>
    field === 'message' ? failure.message.includes(value) : String(failure[field] ?? '') === value,
  );
}
