// How a process is told from one that is gone. Real processes that are killed are in processes.ts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { expect, onTestFinished, test } from 'vitest';
import { processLiveness } from '../file/index.js';

const own = String(processLiveness.identify());
const [, pid = '', start = '', machine = ''] = /^(\d+)\.(\d*)\.(.+)$/.exec(own) ?? [];

export function livenessTests(): void {
  test('identify: names pid, start time and machine, the same at every call', () => {
    expect(processLiveness.identify()).toBe(own);
    expect(Number(pid)).toBe(process.pid);
    expect(machine).not.toBe('');
  });

  test('isGone: this process is not', () => {
    expect(processLiveness.isGone(own)).toBe(false);
  });

  test('isGone: a process of another machine, or a text of another kind, cannot be known', () => {
    expect(processLiveness.isGone(`${pid}.${start}.elsewhere`)).toBeUndefined();
    expect(processLiveness.isGone('something')).toBeUndefined();
    expect(processLiveness.isGone('')).toBeUndefined();
  });

  test('isGone: a pid that nobody has is gone', () => {
    expect(processLiveness.isGone(`2147483647.1.${machine}`)).toBe(true);
  });

  const onLinux = test.runIf(process.platform === 'linux');

  onLinux('isGone: the first process of all lives', () => {
    const first = readFileSync('/proc/1/stat', 'latin1').split(') ')[1]?.split(' ')[19];
    expect(processLiveness.isGone(`1.${first}.${machine}`)).toBe(false);
  });

  onLinux('isGone: a pid that another process has got since is gone', () => {
    expect(processLiveness.isGone(`${process.ppid}.1.${machine}`)).toBe(true);
  });

  onLinux('isGone: without a start time, a pid that is there cannot be known', () => {
    expect(processLiveness.isGone(`${process.ppid}..${machine}`)).toBeUndefined();
  });

  onLinux('isGone: a process that was killed and whose parent has not looked yet is gone', async () => {
    // The shell starts a child, tells its pid and start, and never waits for it.
    const script = 'sleep 100 & echo "$! $(cut -d" " -f22 /proc/$!/stat)"; exec sleep 100';
    const parent = spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    onTestFinished(() => void parent.kill('SIGKILL'));
    const [line] = await once(parent.stdout, 'data');
    const [child = '', childStart = ''] = String(line).trim().split(' ');
    const identity = `${child}.${childStart}.${machine}`;
    expect(processLiveness.isGone(identity)).toBe(false);
    // Before it is `sleep` itself, the shell might look.
    while (readFileSync(`/proc/${parent.pid}/comm`, 'latin1') !== 'sleep\n') await turn();
    process.kill(Number(child), 'SIGKILL');
    await stateOf(child, 'Z');
    expect(processLiveness.isGone(identity)).toBe(true);
  });
}

async function stateOf(child: string, state: string): Promise<void> {
  while (!readFileSync(`/proc/${child}/stat`, 'latin1').includes(`) ${state} `)) await turn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
