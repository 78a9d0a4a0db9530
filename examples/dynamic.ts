// A stream of unknown length, read page by page while jobs run. Run it twice: known items are skipped.
import { createTaskHub, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

interface Page {
  items: number[];
  next: number | null;
}

const PAGES = 5;
const api = await startLimitedApi({
  answer({ path, record }) {
    const number = Number(record);
    if (path.startsWith('/items/')) return { square: number * number };
    const items = Array.from({ length: 20 }, (_, i) => (number - 1) * 20 + i + 1);
    return { items, next: number < PAGES ? number + 1 : null } satisfies Page;
  },
});

class Squares extends TaskSource<number, number> {
  readonly type = 'dynamic';
  readonly id = 'items-of-all-pages'; // with the task's name, this says which stream it is

  async *getData() {
    for (let page: number | null = 1; page !== null; ) {
      const response = await fetch(`${api.url}/pages/${page}`);
      const { items, next } = (await response.json()) as Page;
      console.log(`page ${page}: ${items.length} items`);
      yield* items;
      page = next;
    }
  }

  async handler(item: number, ctx: JobContext): Promise<number> {
    const response = await ctx.fetch(`${api.url}/items/${item}`);
    return ((await response.json()) as { square: number }).square;
  }
}

const hub = await createTaskHub({ dbPath: dataFile('dynamic.db') });
const task = await hub.createTask({ name: 'squares', source: new Squares(), lookAhead: 40 });

const { total, ran } = await task.start();
console.log(`${total} items, ${ran} of them in this run`);

let sum = 0;
for await (const job of task.results({ status: 'completed' })) sum += job.output;
console.log(`sum of squares: ${sum}`);

await hub.close();
await api.close();
