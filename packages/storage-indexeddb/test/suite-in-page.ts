// The storage contract in any page, without a test runner: results are posted to the server that gave the page.
import { conformance } from '@taskhub/core/testing';
import { IndexedDBAdapter } from '../src/index.js';

/** What a browser sends back. */
export interface SuiteReport {
  userAgent: string;
  passed: number;
  failed: { name: string; error: string }[];
}

const cases: { name: string; run: () => Promise<void> }[] = [];

/** A text that is the same for equal plain values. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === undefined) return '(undefined)';
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

conformance(
  {
    test: (name, run) => void cases.push({ name, run }),
    equal(actual, expected, message = 'not equal') {
      const [a, b] = [textOf(actual), textOf(expected)];
      if (a !== b) throw new Error(`${message}: ${a.slice(0, 500)} instead of ${b.slice(0, 500)}`);
    },
  },
  {
    name: 'indexeddb',
    create() {
      const name = `test-${Math.random().toString(36).slice(2)}`;
      return {
        open: () => new IndexedDBAdapter(name),
        destroy: () => void indexedDB.deleteDatabase(name),
      };
    },
  },
);

async function runAll(): Promise<SuiteReport> {
  const failed: SuiteReport['failed'] = [];
  for (const { name, run } of cases) {
    const timeout = new Promise<never>((_, reject) => setTimeout(() => reject(new Error('60 s')), 60_000));
    await Promise.race([run(), timeout]).catch((error: unknown) =>
      failed.push({ name, error: String(error) }),
    );
  }
  return { userAgent: navigator.userAgent, passed: cases.length - failed.length, failed };
}

runAll().then((report) => fetch('/report', { method: 'POST', body: JSON.stringify(report) }));
