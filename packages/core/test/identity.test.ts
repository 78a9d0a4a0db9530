import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  dynamicTaskId,
  generateJobId,
  generateTaskId,
  idempotencyKey,
  jobHash,
  keyHash,
  occurrenceHash,
  occurrenceKey,
} from '../src/identity.js';
import { toHex } from '../src/sha256.js';

const ROOT_OF_A = '022a6979e6dab7aa5ae4c3e5e45f7e977112a7e63593820dbec1ec738a24f93c';

// Made with node:crypto from the words of behaviour.md, section 2; never to change.
const FIXED = {
  job: '43258cff783fe7036d8a43033f830adfc60ec037382473548ac742b888292777',
  item1: 'e2cf864adb93da35ea534a42c3baaf5e70f9f0b5862064a0428798f7b7375a5b',
  item1Again: 'ce79a2167cdc553996e35299394dafb09e03d40e916b5f91c4473f79b080742e',
  task: '6f012dd260d3e3dcd8d498a1307c12fcb6a8ed92aec3f3bbdea3f6fe17ee5c73',
  dynamic: '9df3789194965cbbfce1e61aa539d5428599914e7d05565c70c05abb0ec9eee8',
  idempotency: '082eaad03e30daed5317a621831e05f27b084b388e3ff248926336573263e241',
};

describe('job ids', () => {
  test('id: SHA-256 of the canonical JSON of the input', async () => {
    expect(await generateJobId({ b: 2, a: 1 })).toBe(FIXED.job);
    expect(await generateJobId({ a: 1, b: 2, c: undefined })).toBe(FIXED.job);
    expect(await generateJobId('item1')).toBe(FIXED.item1);
    expect(toHex(jobHash('"item1"'))).toBe(FIXED.item1);
  });

  test('id: what JSON would lose is refused', async () => {
    await expect(generateJobId({ when: new Map() })).rejects.toMatchObject({
      code: 'INPUT_NOT_SERIALIZABLE',
      message: expect.stringContaining('input.when is a Map'),
    });
  });

  test('repeats: the id of an occurrence is over input and number', () => {
    expect(toHex(occurrenceHash('"item1"', 2))).toBe(FIXED.item1Again);
    expect(toHex(occurrenceHash('"item1"', 3))).not.toBe(FIXED.item1Again);
    expect(occurrenceKey('order-7', 2)).toBe('order-7#2');
  });

  test('getJobId: a lone surrogate is refused, since two such ids would be one', () => {
    expect(() => keyHash('a\ud83d')).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
    expect(keyHash('"item1"')).toEqual(jobHash('"item1"'));
  });
});

describe('task ids', () => {
  test('id: SHA-256 over a tag byte and the length and UTF-8 of name and root, or source id', async () => {
    expect(await generateTaskId('my-task', ROOT_OF_A)).toBe(FIXED.task);
    expect(dynamicTaskId('my-täsk', 'my-stream')).toBe(FIXED.dynamic);
  });

  test('id: a deterministic and a dynamic task never share one', async () => {
    expect(dynamicTaskId('my-task', ROOT_OF_A)).not.toBe(FIXED.task);
  });

  test('id: a lone surrogate in a name or source id is refused', async () => {
    await expect(generateTaskId('\ud800', ROOT_OF_A)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    expect(() => dynamicTaskId('a', '\udfff')).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' }));
  });

  test('property: two pairs of texts have one id only if they are the same', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\0', 'é'), maxLength: 3 });
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        expect(dynamicTaskId(a, b) === dynamicTaskId(c, d)).toBe(a === c && b === d);
      }),
    );
  });

  test('id: a name may be long', () => {
    expect(dynamicTaskId('x'.repeat(1_000_000), 'y')).toMatch(/^[\da-f]{64}$/);
  });
});

test('idempotencyKey: over task id and job id', () => {
  expect(idempotencyKey('T'.repeat(64), 'J'.repeat(64))).toBe(FIXED.idempotency);
  expect(idempotencyKey('ab', 'c')).not.toBe(idempotencyKey('a', 'bc'));
});
