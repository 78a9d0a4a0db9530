// The tests of any package inside the runtime that TASKHUB_RUNTIME names; the report has a name of its own.
import process from 'node:process';
import { inside } from './vitest.base.ts';

const runtime = process.env.TASKHUB_RUNTIME ?? '';

export default inside(runtime, `vitest-${runtime}`);
