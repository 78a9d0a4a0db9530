// One tab: it runs the batch if no other does, and else watches the one that does, until that is closed.
import { createTaskHub, type Hub } from '@shelchin/taskhub/browser';
import { Batch } from './batch.ts';
import { exportDatabase, exportResults } from './export.ts';
import { type BatchState, type Command, OPENING } from './state.ts';
import { View } from './view.ts';
import './style.css';

/** What tabs say to each other: the state, a command for the tab that runs the batch, or a question for its state. */
type Word = { state: BatchState } | { command: Command } | 'what is shown?';

const SEEN = 'taskhub-daylight';
const channel = new BroadcastChannel('taskhub-daylight');
let batch: Batch | undefined;
let state: BatchState = { ...OPENING, ...JSON.parse(sessionStorage.getItem(SEEN) ?? '{}') };

const view = new View({
  command: (command) => (batch === undefined ? say({ command }) : void batch.do(command)),
  exportResults: async () => exportResults(await hub),
  exportDatabase: async () => exportDatabase(await hub),
});

function say(word: Word): void {
  channel.postMessage(word);
}

function show(shown: BatchState): void {
  state = shown;
  view.render(state, batch === undefined ? 'watches' : 'runs');
}

channel.onmessage = ({ data }: MessageEvent<Word>) => {
  if (batch === undefined) {
    if (typeof data === 'object' && 'state' in data) show(data.state);
  } else if (data === 'what is shown?') say({ state });
  else if ('command' in data) void batch.do(data.command);
};

/** Runs the batch for as long as this tab lives. */
async function run(hub: Hub): Promise<void> {
  batch = new Batch(hub, state, (changed) => {
    show(changed);
    say({ state: changed });
  });
  await batch.open();
  await new Promise(() => undefined); // The lock is held until the tab is gone, however that happens.
}

// For the chart after a reload; what matters is in the database.
addEventListener('pagehide', () => {
  const { samples, troubles, refused } = state;
  sessionStorage.setItem(SEEN, JSON.stringify({ samples, troubles, refused }));
});

show(state);
const hub = createTaskHub();
try {
  const opened = await hub;
  say('what is shown?');
  await navigator.locks.request('taskhub-daylight', () => run(opened));
} catch (error) {
  show({ ...state, phase: 'broken', problem: error instanceof Error ? error.message : String(error) });
}
