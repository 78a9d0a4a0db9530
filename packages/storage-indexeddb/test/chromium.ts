// Which Chromium the tests run in, and how it is started.
import { existsSync } from 'node:fs';
import process from 'node:process';

const executablePath = process.env.TASKHUB_CHROMIUM ?? '/usr/bin/chromium';

/** Options of a launch. `--no-sandbox`: root has none, and containers run as root. */
export const launchOptions = { executablePath, args: ['--no-sandbox'], timeout: 60_000 };

/** @throws Error with the command that helps, when there is no Chromium */
export function assertChromium(): void {
  if (existsSync(executablePath)) return;
  throw new Error(
    `There is no Chromium at ${executablePath}: apt-get install chromium, or set TASKHUB_CHROMIUM to the path of yours.`,
  );
}
