// One store that several simulated processes share, and the books about its tasks.
import type { StorageAdapter } from '../../src/storage/contract.js';
import { MemoryAdapter } from '../../src/storage/memory-adapter.js';
import { Book, type Call } from './book.js';
import type { Plan } from './plan.js';

/** What a process does with the store is written into the books as the store does it. */
export class Library {
  readonly inner = new MemoryAdapter();
  readonly #books = new Map<string, Book>();
  readonly #calls = new Map<string, Call[]>();
  readonly #plan: Plan;
  readonly #problem: (text: string) => void;

  constructor(plan: Plan, problem: (text: string) => void) {
    this.#plan = plan;
    this.#problem = problem;
  }

  /** The book about a task, a new one if there is none. */
  of(taskId: string): Book {
    const book = this.#books.get(taskId) ?? new Book(this.#plan, this.#problem);
    this.#books.set(taskId, book);
    return book;
  }

  called(call: Call): void {
    const key = `${call.process} ${call.n}`;
    this.#calls.set(key, [...(this.#calls.get(key) ?? []), call]);
  }

  /** The store as one process sees it. */
  reader(process: string): StorageAdapter {
    const { inner } = this;
    const callOf = (n: number): Call | undefined => this.#calls.get(`${process} ${n}`)?.at(-1);
    return {
      name: inner.name,
      capabilities: inner.capabilities,
      open: () => inner.open(),
      close: () => inner.close(),
      insertTask: (task) => inner.insertTask(task),
      publishTask: async (provisional, final, now) => {
        const published = await inner.publishTask(provisional, final, now);
        const book = this.#books.get(provisional);
        this.#books.delete(provisional);
        if (published.created && book !== undefined) this.#books.set(final.id, book);
        return published;
      },
      readTask: (id) => inner.readTask(id),
      listTasks: (query) => inner.listTasks(query),
      transitionTask: (...args) => inner.transitionTask(...args),
      deleteTask: async (id) => {
        const deleted = await inner.deleteTask(id);
        this.#books.delete(id);
        return deleted;
      },
      insertJobs: async (id, jobs, context) => {
        const result = await inner.insertJobs(id, jobs, context);
        this.of(id).inserted(jobs, result);
        return result;
      },
      exchange: async (id, batch) => {
        const result = await inner.exchange(id, batch);
        if (result.status !== null) this.of(id).exchanged(batch, result, callOf);
        return result;
      },
      renewLeases: async (owner, leaseUntil) => {
        await inner.renewLeases(owner, leaseUntil);
        for (const book of this.#books.values()) book.renewed(owner, leaseUntil);
      },
      listOwners: (id) => inner.listOwners(id),
      releaseJobs: async (id, owner, now) => {
        const released = await inner.releaseJobs(id, owner, now);
        this.#books.get(id)?.released(owner.owner, owner.crashed);
        return released;
      },
      resetFailed: async (id, limit, now) => {
        const result = await inner.resetFailed(id, limit, now);
        this.#books.get(id)?.reset(limit);
        return result;
      },
      readJobs: (id, query) => inner.readJobs(id, query),
    };
  }
}
