// Text is kept as it is, wherever it stands.
import {
  claim,
  completed,
  givenTask,
  insert,
  jobAt,
  newJob,
  newTask,
  provisionalTask,
  retry,
  rootOf,
  settle,
  T0,
} from './fixtures.js';
import type { Suite } from './suite.js';

const TEXTS: readonly (readonly [string, string])[] = [
  ['an empty string', ''],
  ['NUL characters', 'a\u0000b\u0000'],
  ['a lone surrogate, escaped as JSON gives it', JSON.stringify('\ud800 and \udfff')],
  ['emoji and other scripts', '👩‍👩‍👧 नमस्ते ﷽ 𝒳'],
  ['a composed and a decomposed letter', '\u00e9 e\u0301'],
  ['the text null', 'null'],
  ['text that looks like SQL', '\'; DROP TABLE job; -- " ` ? :a $1 %s'],
  ['text that looks like a number', '007e5'],
  ['line ends and blanks', ' \r\n\t \u2028\u2029\ufeff '],
  ['backslashes', '\\ \\\\ \\u0000 \\'],
  ['__proto__', '__proto__'],
  ['constructor', 'constructor'],
];

/** Text of every kind goes in and comes back. */
export function payloadCases({ spec }: Suite): void {
  for (const [what, text] of TEXTS) {
    spec(`text: inputs, keys, outputs, errors, names, options and ids keep ${what}`, async (world) => {
      const { store, equal } = world;
      const id = `id ${text}`;
      const owner = `owner ${text}`;
      const { task } = await store.insertTask(newTask(id, { name: text, options: text }));
      equal([task.id, task.name, task.options], [id, text, text]);
      equal((await store.listTasks({ name: text, limit: 5 })).rows, [task]);
      await insert(store, id, [newJob(1, { input: text, key: text }), newJob(2)]);
      const { claimed } = await claim(store, id, 2, { owner });
      equal([claimed[0]?.input, claimed[0]?.key], [text, text]);
      equal((await store.listOwners(id))[0]?.id, owner);
      equal((await settle(store, id, [completed(1, text), retry(2, T0, text)], { owner })).lost, []);
      const row = await jobAt(store, id, 1);
      equal([row.input, row.key, row.output], [text, text, text]);
      equal((await claim(store, id, 1, { owner })).claimed[0]?.error, text);
      equal((await jobAt(store, id, 2)).error, text);
      equal(await store.deleteTask(id), true);
    });
  }

  spec('text: 1 MB of input, output and error is kept', async ({ store, equal }) => {
    const text = 'é0123456789abcdef'.repeat(2 ** 16);
    await givenTask(store, 't');
    await insert(store, 't', [newJob(1, { input: text }), newJob(2)]);
    const { claimed } = await claim(store, 't', 2);
    equal(claimed[0]?.input === text, true);
    await settle(store, 't', [completed(1, text), retry(2, T0, text)]);
    equal((await jobAt(store, 't', 1)).output === text, true);
    equal((await jobAt(store, 't', 2)).error === text, true);
  });

  spec('text: no output is not the text null, nor an empty one', async ({ store, equal }) => {
    await givenTask(store, 't', 3);
    await claim(store, 't', 3);
    await settle(store, 't', [completed(1, null), completed(2, 'null'), completed(3, '')]);
    const outputs = [1, 2, 3].map(async (seq) => (await jobAt(store, 't', seq)).output);
    equal(await Promise.all(outputs), [null, 'null', '']);
  });

  spec('text: names that differ in case or composition only are different', async ({ store, equal }) => {
    const names = ['a', 'A', '\u00e9', 'e\u0301', ' a', 'a '];
    for (const name of names) await store.insertTask(newTask(`id of ${name}`, { name }));
    for (const name of names) {
      equal(
        (await store.listTasks({ name, limit: 9 })).rows.map((task) => task.id),
        [`id of ${name}`],
      );
    }
  });

  spec('text: ids that differ in case only are different', async ({ store, equal }) => {
    await givenTask(store, 'id', 1);
    await givenTask(store, 'ID', 2);
    equal([(await store.readTask('id'))?.lastSeq, (await store.readTask('ID'))?.lastSeq], [1, 2]);
  });

  spec('root: is given back as the same hex', async ({ store, equal }) => {
    const root = `00${rootOf('x').slice(2, 62)}ff`;
    await store.insertTask(provisionalTask('p'));
    const { task } = await store.publishTask('p', { id: 't', root, duplicates: 0 }, T0);
    equal([task.root, (await store.readTask('t'))?.root], [root, root]);
  });
}
