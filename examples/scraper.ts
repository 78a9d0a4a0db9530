// A scraper: handlers find links, the links are new inputs, and the stream ends when no page is left to read.
import { createTaskHub, type JobContext, TaskSource } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { Frontier } from './frontier.ts';
import { startLimitedApi } from './limited-api.ts';

const PAGES = 60;
const api = await startLimitedApi({
  answer({ record }) {
    const page = Number(record);
    const links = [page * 2, page * 2 + 1, page - 1].filter((other) => other >= 1 && other <= PAGES);
    return { title: `Page ${page}`, links: links.map((other) => `/pages/${other}`) };
  },
});

interface Page {
  title: string;
  links: string[];
}

class Site extends TaskSource<string, Page> {
  readonly type = 'dynamic';
  readonly id = 'example-site';
  readonly frontier = new Frontier<string>();

  getData() {
    return this.frontier;
  }

  async handler(path: string, ctx: JobContext): Promise<Page> {
    const response = await ctx.fetch(api.url + path);
    return (await response.json()) as Page;
  }
}

const hub = await createTaskHub({ dbPath: dataFile('scraper.db') });
const site = new Site();
const task = await hub.createTask({ name: 'scrape', source: site });

// Pages of an earlier run: their links are known, and those not yet read are still to come.
for await (const job of task.results()) {
  if (job.status === 'completed') site.frontier.add(job.output.links);
  if (job.status === 'completed' || job.status === 'failed') site.frontier.skip(job.input);
}
site.frontier.add(['/pages/1']);
// Links go in before their page counts as done: the frontier is never empty too early.
task.on('job:complete', ({ input, output }) => {
  site.frontier.add(output.links);
  site.frontier.done(input);
});
task.on('job:failed', ({ input }) => site.frontier.done(input));

const { total, completed, ran } = await task.start();
console.log(`${completed} of ${total} pages read, ${ran} in this run`);
await hub.close();
await api.close();
