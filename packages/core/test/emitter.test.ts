// behaviour.md, section 1: `on` (gives an unsubscribe function), `once`, `off`, `removeAllListeners`.
import { describe, expect, test } from 'vitest';
import { EventEmitter } from '../src/events.js';

interface Events {
  a: (first: number, second?: string) => void;
  b: () => void;
}

function emitter(): { events: EventEmitter<Events>; errors: [unknown, string][] } {
  const errors: [unknown, string][] = [];
  return { events: new EventEmitter<Events>((error, event) => errors.push([error, event])), errors };
}

function fail(): never {
  throw 'no';
}

describe('EventEmitter', () => {
  test('emit: calls listeners in the order in which they were added, with all arguments', () => {
    const { events } = emitter();
    const seen: unknown[] = [];
    events.on('a', (...args) => seen.push(['first', ...args]));
    events.on('a', (...args) => seen.push(['second', ...args]));
    events.emit('a', 1, 'x');
    expect(seen).toEqual([
      ['first', 1, 'x'],
      ['second', 1, 'x'],
    ]);
  });

  test('emit: without listeners does nothing', () => {
    expect(() => emitter().events.emit('b')).not.toThrow();
  });

  test('on: gives a function that removes this listener only, and may be called twice', () => {
    const { events } = emitter();
    const seen: string[] = [];
    const listener = (): number => seen.push('twice');
    const remove = events.on('b', listener);
    events.on('b', listener);
    remove();
    remove();
    events.emit('b');
    expect(seen).toEqual(['twice']);
  });

  test('once: is called once, also when it emits the event again itself', () => {
    const { events } = emitter();
    let calls = 0;
    events.once('b', () => {
      calls += 1;
      events.emit('b');
    });
    events.emit('b');
    events.emit('b');
    expect([calls, events.has('b')]).toEqual([1, false]);
  });

  test('once: can be removed before it was called, by its function or by off', () => {
    const { events } = emitter();
    const seen: string[] = [];
    const listener = (): number => seen.push('called');
    events.once('b', listener)();
    events.once('b', listener);
    events.off('b', listener);
    events.emit('b');
    expect([seen, events.has('b')]).toEqual([[], false]);
  });

  test('off: removes a listener from one event and leaves it on another', () => {
    const { events } = emitter();
    let calls = 0;
    const listener = (): number => calls++;
    events.on('a', listener);
    events.on('b', listener);
    events.off('a', listener);
    events.emit('a', 1);
    events.emit('b');
    expect([calls, events.has('a'), events.has('b')]).toEqual([1, false, true]);
  });

  test('off: a listener that was never added is ignored; without one all of the event go', () => {
    const { events } = emitter();
    events.on('a', () => {});
    events.on('a', () => {});
    events.on('b', () => {});
    events.off('a', () => {});
    expect(events.has('a')).toBe(true);
    events.off('a');
    expect([events.has('a'), events.has('b')]).toEqual([false, true]);
  });

  test('removeAllListeners: of one event, or of all; listening again works', () => {
    const { events } = emitter();
    let calls = 0;
    const listener = (): number => calls++;
    events.on('a', listener);
    events.on('b', listener);
    events.removeAllListeners('a');
    expect([events.has('a'), events.has('b')]).toEqual([false, true]);
    events.removeAllListeners();
    expect(events.has('b')).toBe(false);
    events.on('b', listener);
    events.emit('b');
    events.off('b', listener);
    events.emit('b');
    expect(calls).toBe(1);
  });

  test('a listener that removes itself or others while it is called harms no emission', () => {
    const { events } = emitter();
    const seen: string[] = [];
    const remove = events.on('b', () => {
      seen.push('a');
      remove();
      events.off('b', last);
    });
    events.on('b', () => seen.push('b'));
    const last = (): number => seen.push('c');
    events.on('b', last);
    events.emit('b');
    events.emit('b');
    expect(seen.slice(0, 2)).toEqual(['a', 'b']);
    expect(seen.filter((name) => name === 'a')).toHaveLength(1);
    expect(seen.at(-1)).toBe('b');
  });

  test.each<[string, () => unknown]>([
    ['throws', fail],
    ['rejects', () => Promise.reject('no')],
    ['gives a thenable that throws', () => Object.fromEntries([['then', fail]])],
  ])('a listener that %s stops nobody and is reported with its event', async (_, listener) => {
    const { events, errors } = emitter();
    let calls = 0;
    events.on('b', listener as () => void);
    events.on('b', () => calls++);
    events.emit('b');
    await Promise.resolve();
    expect([calls, errors]).toEqual([1, [['no', 'b']]]);
  });

  test('without onError a listener that throws is swallowed', () => {
    const events = new EventEmitter<Events>();
    events.on('b', () => {
      throw new Error('no');
    });
    expect(() => events.emit('b')).not.toThrow();
  });
});
