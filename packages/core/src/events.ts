// Typed events over mitt: several arguments, and listeners that cannot harm each other or the engine.
import mitt, { type Emitter, type Handler } from 'mitt';

type Listeners = Record<string, unknown[]>;
type Args<F> = F extends (...args: infer A) => void ? A : never;

/**
 * An emitter of the events of `Events`, a map from the name of an event to the type of its listener.
 *
 * A listener that throws or rejects stops neither the other listeners nor the emitter: what it threw goes to
 * `onError` with the name of the event.
 */
export class EventEmitter<Events extends { [K in keyof Events]: (...args: never[]) => void }> {
  readonly #mitt: Emitter<Listeners> = mitt<Listeners>();
  // mitt knows only our wrappers; this leads from a listener to them, for off().
  readonly #wrappers = new Map<unknown, Map<string, Handler<unknown[]>[]>>();
  readonly #onError: (error: unknown, event: string) => void;

  constructor(onError: (error: unknown, event: string) => void = () => {}) {
    this.#onError = onError;
  }

  /** Adds a listener. @returns a function that removes it */
  on<K extends keyof Events & string>(event: K, listener: Events[K]): () => void {
    return this.#add(event, listener, (args) => this.#call(event, listener as never, args));
  }

  /** Adds a listener for the next event only. @returns a function that removes it */
  once<K extends keyof Events & string>(event: K, listener: Events[K]): () => void {
    const remove = this.#add(event, listener, (args) => {
      remove();
      this.#call(event, listener as never, args);
    });
    return remove;
  }

  /** Removes a listener, or with none named all listeners of the event. */
  off<K extends keyof Events & string>(event: K, listener?: Events[K]): void {
    if (listener === undefined) return this.removeAllListeners(event);
    const handler = this.#wrappers.get(listener)?.get(event)?.[0];
    if (handler !== undefined) this.#remove(event, listener, handler);
  }

  /** Removes all listeners, or all of one event. */
  removeAllListeners<K extends keyof Events & string>(event?: K): void {
    if (event === undefined) {
      this.#mitt.all.clear();
      this.#wrappers.clear();
      return;
    }
    this.#mitt.off(event);
    for (const [listener, byEvent] of this.#wrappers) {
      byEvent.delete(event);
      if (byEvent.size === 0) this.#wrappers.delete(listener);
    }
  }

  /** Calls the listeners of the event, in the order in which they were added. */
  emit<K extends keyof Events & string>(event: K, ...args: Args<Events[K]>): void {
    this.#mitt.emit(event, args);
  }

  /** Whether anybody listens: events that cost something to build are built only then. */
  has(event: keyof Events & string): boolean {
    return (this.#mitt.all.get(event)?.length ?? 0) > 0;
  }

  #add(event: string, listener: unknown, handler: Handler<unknown[]>): () => void {
    const byEvent = this.#wrappers.get(listener) ?? new Map<string, Handler<unknown[]>[]>();
    byEvent.set(event, [...(byEvent.get(event) ?? []), handler]);
    this.#wrappers.set(listener, byEvent);
    this.#mitt.on(event, handler);
    return () => this.#remove(event, listener, handler);
  }

  #call(event: string, listener: (...args: unknown[]) => unknown, args: unknown[]): void {
    try {
      const result = listener(...args);
      // An async listener: its rejection would otherwise be nobody's.
      if (typeof (result as PromiseLike<unknown> | undefined)?.then === 'function') {
        (result as PromiseLike<unknown>).then(undefined, (error: unknown) => this.#onError(error, event));
      }
    } catch (error) {
      this.#onError(error, event);
    }
  }

  #remove(event: string, listener: unknown, handler: Handler<unknown[]>): void {
    this.#mitt.off(event, handler);
    const byEvent = this.#wrappers.get(listener);
    const rest = byEvent?.get(event)?.filter((other) => other !== handler) ?? [];
    if (rest.length > 0) byEvent?.set(event, rest);
    else byEvent?.delete(event);
    if (byEvent?.size === 0) this.#wrappers.delete(listener);
  }
}
