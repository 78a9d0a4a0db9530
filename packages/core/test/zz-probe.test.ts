import { expect, test } from 'vitest';
import { bench, brokenPipe, heard, listSource, numbers, refusal, rejection, sleep, statuses, takes, taskOf, streamSource, Feed } from './fixtures.js';
import { FaultyAdapter } from '../src/testing/faulty-adapter.js';
import { MemoryAdapter } from '../src/storage/memory-adapter.js';

test('stop in job:start listener: handler of that job', async () => {
  const b = bench();
  const calls: number[] = [];
  const task = await taskOf(b, 5, async (input, ctx) => { calls.push(input); console.log('aborted at start', ctx.signal.aborted); await sleep(b.clock, 10); return input; });
  task.once('job:start', () => void task.stop());
  console.log(await b.run(task.start()), calls, await statuses(b, task));
});
test('start; stop; pause; etc on dynamic', async () => {
  const b = bench();
  const feed = new Feed(1, 2, 3);
  const task = await b.run(b.hub.createTask({ name: 's', source: streamSource(() => feed) }));
  const started = task.start();
  await b.clock.advance(100);
  task.pause();
  feed.push(4, 5);
  await b.clock.advance(1000);
  console.log(task.status, task.totalJobs, task.completedJobs);
  void task.resume();
  await b.clock.advance(1000);
  console.log(task.status, task.totalJobs, task.completedJobs);
  feed.end();
  console.log(await b.run(started));
  console.log('again', await b.run(task.start()), feed.readings);
});
test('refusals instantly sync spin?', async () => {
  const b = bench();
  let n = 0;
  const task = await taskOf(b, 1, () => { if (++n < 1000) throw refusal(); return 1; });
  console.log(await b.run(task.start()), n, b.clock.monotonic());
});
test('max lowered by createTask while running', async () => {
  const b = bench();
  let [running, most] = [0, 0];
  const h = async () => { running++; most = Math.max(most, running); await sleep(b.clock, 100); running--; };
  const task = await taskOf(b, 200, h, { concurrency: { max: 10, initial: 10 } });
  const started = task.start();
  await b.clock.advance(250);
  await taskOf(b, 200, h, { concurrency: { max: 2 } });
  await b.clock.advance(150);
  most = 0;
  await b.run(started);
  console.log('most after', most);
});
test('handler that destroys', async () => {
  const b = bench();
  const task = await taskOf(b, 3, async () => { await task.destroy(); }, { stopGrace: 100 });
  console.log(await rejection(b.run(task.start())), await b.adapter.readTask(task.id));
});
test('handler that closes hub', async () => {
  const b = bench();
  const task = await taskOf(b, 3, async () => { await b.hub.close(); }, { stopGrace: 100 });
  console.log(await b.run(task.start()));
});
test('retryFailed in two hubs while other runs', async () => {
  const b = bench();
  let bad = true;
  const h = async (input: number) => { await sleep(b.clock, 100); if (bad && input < 3) throw new Error('bad'); };
  const one = await taskOf(b, 10, h, { concurrency: { max: 1 } });
  const hub2 = b.another();
  const two = await taskOf({ ...b, hub: hub2 }, 10, h);
  const started = one.start();
  await b.clock.advance(350);
  bad = false;
  console.log('reset', await b.run(two.retryFailed()));
  console.log(await b.run(started));
});
test('destroy while start waits for store', async () => {
  const store = new FaultyAdapter(new MemoryAdapter());
  const b = bench(store);
  const task = await taskOf(b, 3, () => 1);
  store.plan = ({ method }) => (method === 'readTask' ? { until: sleep(b.clock, 1000) } : undefined);
  const e = rejection(task.start());
  await b.run(task.destroy());
  console.log(await e, await b.run(b.hub.listTasks()));
});
test('start twice concurrently from idle, then pause, then start', async () => {
  const b = bench();
  const task = await taskOf(b, 3, takes(b.clock, 10));
  const [x, y] = await b.run(Promise.all([task.start(), task.start()]));
  console.log(x === y);
});
test('handlers map leak: deaf handler whose job done by other', async () => {
  const b = bench();
  const task = await taskOf(b, 2, async (i) => { if (i === 0) await sleep(b.clock, 100000); return i; }, { timeout: 100, retry: { maxAttempts: 1 } });
  await b.run(task.start());
  await b.run(task.retryFailed());
  const s = task.start();
  await b.clock.advance(5000);
  console.log(task.status, await b.run(task.getProgress()));
  console.log(await b.run(s));
});
