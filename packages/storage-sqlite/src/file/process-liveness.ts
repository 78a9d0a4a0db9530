// Whether the process that holds jobs still lives, by its pid and start time, on this machine only.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import process from 'node:process';
import type { Liveness } from '@taskhub/core';

/** `pid.start.machine`; the start is empty where it cannot be had cheaply. */
const IDENTITY = /^(\d+)\.(\d*)\.(.+)$/;

/**
 * Tells whether processes of this machine live.
 *
 * A pid that is not there is gone, anywhere. On Linux the start time of the process is compared as well, so that a pid
 * that another process has got since counts as gone too; elsewhere a pid that is there says nothing.
 */
export const processLiveness: Liveness = {
  identify: () => `${process.pid}.${startOf(process.pid)?.start ?? ''}.${machine()}`,
  isGone(identity) {
    const [, pidText, start, where] = IDENTITY.exec(identity) ?? [];
    if (pidText === undefined || where !== machine() || isUnknown(machine())) return undefined;
    const pid = Number(pidText);
    if (!exists(pid)) return true;
    if (identity === processLiveness.identify()) return false;
    const found = startOf(pid);
    if (found === undefined || start === '') return undefined;
    return found.start !== start || found.ended;
  },
};

let known: string | undefined;

// Containers on one machine share the boot id; their processes are told apart by the pid namespace. Another boot of the
// same machine is another machine: its processes are left to their leases, which have long passed.
function machine(): string {
  known ??= [
    attempt(hostname),
    attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)),
    attempt(() => /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0]),
  ]
    .map((part) => part?.replace(/[^\w-]/g, '_') ?? '')
    .join('.');
  return known;
}

/** Nothing of it could be read: in Deno without permissions. It may be any machine then. */
function isUnknown(name: string): boolean {
  return /^\.*$/.test(name);
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there and belongs to another user.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH');
  }
}

/** Start of a process in clock ticks since the boot, and whether it has ended and only waits for its parent. */
function startOf(pid: number): { start: string; ended: boolean } | undefined {
  // The name in brackets may hold spaces and brackets; the fields after it are numbered from 3.
  const fields = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').at(-1)?.split(' '));
  const start = fields?.[22 - 3];
  return start === undefined ? undefined : { start, ended: fields?.[0] === 'Z' || fields?.[0] === 'X' };
}

// Only Linux has these files; a container may hide them, and Deno asks for a permission.
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
