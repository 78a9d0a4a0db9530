import type { Exchange, ExchangeResult } from '@taskhub/core';
import { expect, test } from 'vitest';
import { HeldJobs } from '../src/held-jobs.js';

const counts = { total: 0, pending: 0, waiting: 0, active: 0, completed: 0, failed: 0 };
const batch: Exchange = { owner: 'ann', now: 0, settle: [], claim: null };
const args = ['t', batch];

function answer(places: number[], status: ExchangeResult['status']): ExchangeResult {
  const job = {
    hash: new Uint8Array(32),
    key: null,
    input: '',
    attempts: 1,
    throttles: 0,
    crashes: 0,
    error: null,
  };
  return { claimed: places.map((seq) => ({ seq, ...job })), lost: [], counts, status, nextDueAt: null };
}

test('held jobs: what was claimed and not settled is held', () => {
  const held = new HeldJobs();
  held.after('exchange', args, answer([1, 2, 3], 'running'));
  const settle = [{ seq: 2, startedAt: 0, endedAt: 0, outcome: 'completed', output: null }] as const;
  held.after('exchange', ['t', { ...batch, settle }], answer([], 'running'));
  expect(held.before('exchange', args)).toEqual([1, 3]);
  expect(held.before('exchange', ['other', batch])).toEqual([]);
});

test('held jobs: of a task that is gone nothing is held, nor of one that is made again under its id', () => {
  const held = new HeldJobs();
  held.after('exchange', args, answer([1, 2], 'running'));
  held.after('exchange', args, answer([], null));
  expect(held.before('exchange', args)).toEqual([]);
});
