// Which Chromium the tests run in, and how it is started.
import { existsSync } from 'node:fs';
import process from 'node:process';

const executablePath = process.env.TASKHUB_CHROMIUM ?? '/usr/bin/chromium';

/** Options of a launch. `--no-sandbox`: root has none, and containers run as root. */
export const launchOptions = { executablePath, args: ['--no-sandbox'], timeout: 60_000 };

/**
 * Whether there is a Chromium to test in. Without one, a developer is told how to get it, and the other tests run.
 *
 * @throws Error in CI, where nothing may be left out
 */
export function hasChromium(): boolean {
  if (existsSync(executablePath)) return true;
  const says =
    `There is no Chromium at ${executablePath}: apt-get install chromium, or set TASKHUB_CHROMIUM to the path of yours, ` +
    'then `pnpm test --force`.';
  if (process.env.CI) throw new Error(says);
  console.warn(`@taskhub/storage-opfs: all tests in the browser are left out. ${says}`);
  return false;
}
