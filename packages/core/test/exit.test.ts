import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const run = promisify(execFile);

/** Runs a program in a process of its own, which must end by itself; its output. */
async function program(body: string): Promise<string> {
  const code = `
    import { Hub } from './src/hub.ts';
    import { MemoryAdapter } from './src/storage/memory-adapter.ts';
    const hub = new Hub(new MemoryAdapter());
    const sourceOf = (handler) => ({ type: 'deterministic', getData: () => [1, 2, 3], handler });
    ${body}
  `;
  const { stdout } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    cwd: new URL('..', import.meta.url),
    timeout: 20_000,
  });
  return stdout;
}

describe('nothing keeps the process alive', () => {
  const limit = 25_000;

  test('after the work is over, without close()', { timeout: limit }, async () => {
    const output = await program(`
      const task = await hub.createTask({ name: 't', source: sourceOf((input) => input), timeout: 600_000 });
      console.log((await task.start()).status);
    `);
    expect(output).toBe('completed\n');
  });

  test('after close() of a running task', { timeout: limit }, async () => {
    const output = await program(`
      const handler = (_, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
      const task = await hub.createTask({ name: 't', source: sourceOf(handler), timeout: 600_000 });
      const started = task.start();
      task.once('job:start', () => hub.close());
      console.log((await started).status);
    `);
    expect(output).toBe('paused\n');
  });

  test('after stop() with a handler that never returns', { timeout: limit }, async () => {
    const output = await program(`
      const task = await hub.createTask({ name: 't', source: sourceOf(() => new Promise(() => {})), timeout: 600_000, stopGrace: 5 });
      task.once('job:start', () => task.stop());
      console.log((await task.start()).status);
    `);
    expect(output).toBe('paused\n');
  });

  test('a paused task does, until it is resumed', { timeout: limit }, async () => {
    const output = await program(`
      const task = await hub.createTask({ name: 't', source: sourceOf((input) => input), concurrency: { max: 1 } });
      task.once('job:complete', () => {
        task.pause();
        const timer = setTimeout(() => task.resume(), 50);
        timer.unref();
      });
      console.log((await task.start()).completed);
    `);
    expect(output).toBe('3\n');
  });

  test('nothing is printed, whatever goes wrong', { timeout: limit }, async () => {
    const output = await program(`
      const task = await hub.createTask({ name: 't', source: sourceOf(() => { throw new Error('bad'); }) });
      task.on('job:failed', async () => { throw new Error('oops'); });
      await task.start();
    `);
    expect(output).toBe('');
  });
});
