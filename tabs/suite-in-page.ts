// The storage contract in any page, without a test runner: results are posted to the server that gave the page.
import { type ConformanceSetup, conformance } from '@taskhub/core/testing';

/** What a browser sends back. */
export interface SuiteReport {
  userAgent: string;
  passed: number;
  failed: { name: string; error: string }[];
}

/** Runs every case and sends the report. */
export async function reportSuite(subject: ConformanceSetup): Promise<void> {
  const cases: { name: string; run: () => Promise<void> }[] = [];
  const test = (name: string, run: () => Promise<void>): void => void cases.push({ name, run });
  conformance({ test, equal }, subject);
  const failed: SuiteReport['failed'] = [];
  for (const { name, run } of cases) {
    const timeout = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('60 s')), 60_000));
    await Promise.race([run(), timeout]).catch((error: unknown) =>
      failed.push({ name, error: String(error) }),
    );
  }
  const report = { userAgent: navigator.userAgent, passed: cases.length - failed.length, failed };
  await fetch('/report', { method: 'POST', body: JSON.stringify(report satisfies SuiteReport) });
}

function equal(actual: unknown, expected: unknown, message = 'not equal'): void {
  const [a, b] = [textOf(actual), textOf(expected)];
  if (a !== b) throw new Error(`${message}: ${a.slice(0, 500)} instead of ${b.slice(0, 500)}`);
}

/** A text that is the same for equal plain values. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === undefined) return '(undefined)';
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
