// What JSON would lose or cannot hold, and where it is.

/** How many objects and arrays may lie inside each other. */
const MAX_DEPTH = 1000;

/** Longest path that a message shows, in characters. */
const MAX_PATH = 300;

/** Thrown by a walk: what it met. The path is {@link JsonWalk.path}. */
export class Refusal {
  readonly kind: string;
  readonly phrase: string;
  constructor(kind: string, phrase: string = `${/^[aeio]/i.test(kind) ? 'an' : 'a'} ${kind}`) {
    this.kind = kind;
    this.phrase = phrase;
  }
}

/** One look at every value: `strict` refuses what JSON would lose, else only what `JSON.stringify` throws on. */
export class JsonWalk {
  /** Whether the keys of every object came in canonical order. */
  sorted = true;
  readonly #strict: boolean;
  readonly #keys: (string | number)[] = [];
  readonly #open: object[] = [];
  #depth = 0;

  constructor(strict: boolean) {
    this.#strict = strict;
  }

  /** Where the walk is, or ended. */
  path(where: string): string {
    let path = where;
    for (const key of this.#keys.slice(0, this.#depth)) {
      if (path.length > MAX_PATH) return `${path.slice(0, MAX_PATH)}…`;
      path +=
        typeof key === 'string' && /^[a-z_$][\w$]*$/i.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
    }
    return path;
  }

  check(given: unknown, key: string | number, depth: number): void {
    const value = this.#strict ? given : afterToJSON(given, key);
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return;
      case 'number':
        if (this.#strict && !Number.isFinite(value)) throw new Refusal(String(value), String(value));
        return;
      case 'bigint':
        throw new Refusal('BigInt');
      case 'object':
        if (value !== null) this.#container(value, depth);
        return;
      default:
        if (this.#strict) throw new Refusal(typeof value, value === undefined ? 'undefined' : undefined);
    }
  }

  #container(value: object, depth: number): void {
    if (depth >= MAX_DEPTH) throw new Refusal('too deep', `nested more than ${MAX_DEPTH} levels deep`);
    for (let at = 0; at < depth; at++) {
      if (this.#open[at] === value) throw new Refusal('cycle', 'an object that contains itself');
    }
    this.#open[depth] = value;
    const keys = Object.keys(value);
    if (this.#strict) checkShape(value, keys);
    if (Array.isArray(value)) {
      for (let at = 0; at < value.length; at++) this.#member(value, at, depth);
    } else {
      let last = '';
      for (const key of keys) {
        if (key < last) this.sorted = false;
        last = key;
        this.#member(value, key, depth);
      }
    }
    this.#depth = depth;
  }

  #member(container: object, key: string | number, depth: number): void {
    this.#keys[depth] = key;
    this.#depth = depth + 1;
    const value: unknown = container[key as keyof typeof container];
    if (value === undefined && typeof key === 'string') return;
    if (this.#strict && value === undefined && !(key in container))
      throw new Refusal('hole', 'an empty slot');
    this.check(value, key, depth + 1);
  }
}

/** Refuses objects of which JSON would keep only a part: of a class, with symbols as keys, arrays with properties. */
function checkShape(value: object, keys: readonly string[]): void {
  if (!Array.isArray(value)) {
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) checkPrototype(value, prototype);
  } else if (keys.length > value.length) {
    throw new Refusal('array with properties', `an array with the property ${JSON.stringify(keys.at(-1))}`);
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') throw new Refusal('object with toJSON()');
  for (const symbol of Object.getOwnPropertySymbols(value)) {
    if (Object.prototype.propertyIsEnumerable.call(value, symbol))
      throw new Refusal('object with symbol keys');
  }
}

function checkPrototype(value: object, prototype: object): void {
  // The Object.prototype of another realm (a frame, a vm context) ends its chain as ours does.
  if (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'hasOwnProperty')) return;
  const name: unknown = value.constructor?.name;
  throw typeof name === 'string' && name !== '' && name !== 'Object'
    ? new Refusal(name)
    : new Refusal('object with a prototype', 'an object with a prototype of its own');
}

function afterToJSON(value: unknown, key: string | number): unknown {
  // JSON.stringify asks objects and BigInts for it, which is how some programs teach it BigInt.
  if ((typeof value !== 'object' && typeof value !== 'bigint') || value === null) return value;
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === 'function' ? toJSON.call(value, String(key)) : value;
}
