// What a person takes home: the results as JSON lines, or the whole database.
import type { Hub } from '@shelchin/taskhub/browser';

function download(parts: BlobPart[], name: string, type: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** One line for each city: its name, and the hours or what went wrong. */
export async function exportResults(hub: Hub): Promise<void> {
  const lines: string[] = [];
  for (const { id } of await hub.listTasks({ name: 'daylight' })) {
    const task = await hub.getTask<{ city: string; country: string }, { hours: number }>(id);
    for await (const job of task?.results() ?? []) {
      const { city, country } = job.input;
      const { status } = job;
      const rest = status === 'completed' ? job.output : status === 'failed' ? { error: job.error } : {};
      lines.push(`${JSON.stringify({ city, country, status, ...rest })}\n`);
    }
  }
  download(lines, 'daylight.jsonl', 'application/jsonl');
}

/** The SQLite file, which TaskHub opens in Node, Bun and Deno as well. */
export async function exportDatabase(hub: Hub): Promise<void> {
  const bytes = await hub.exportDatabase();
  download([bytes as Uint8Array<ArrayBuffer>], 'taskhub.db', 'application/vnd.sqlite3');
}
