// The page: what a state looks like, and what its buttons ask for.
import { Chart } from './chart.ts';
import type { BatchState, Command, Phase, Trouble } from './state.ts';

/** What the buttons do. */
export interface Actions {
  command(command: Command): void;
  exportResults(): Promise<void>;
  exportDatabase(): Promise<void>;
}

/** What a phase is called, in which colour, and what the main button says and does; null disables it. */
interface Look {
  pill: string;
  tone: string;
  main: string;
  command: Command | null;
}

const LOOKS: Record<Phase, Look> = {
  opening: { pill: 'Opening', tone: 'calm', main: 'Start', command: null },
  empty: { pill: 'Not started', tone: 'calm', main: 'Start', command: 'start' },
  loading: { pill: 'Reading the list', tone: 'busy', main: 'Start', command: null },
  running: { pill: 'Running', tone: 'busy', main: 'Pause', command: 'pause' },
  paused: { pill: 'Paused', tone: 'waiting', main: 'Resume', command: 'start' },
  finished: { pill: 'Finished', tone: 'good', main: 'Run again', command: 'again' },
  halted: { pill: 'Stopped by errors', tone: 'bad', main: 'Try again', command: 'start' },
  broken: { pill: 'Cannot go on', tone: 'bad', main: 'Try again', command: 'start' },
};

const number = (n: number): string => n.toLocaleString('en-US', { maximumFractionDigits: 0 });

function lookOf({ phase, failed }: BatchState): Look {
  if (phase !== 'finished' || failed === 0) return LOOKS[phase];
  const count = number(failed);
  return {
    pill: `Finished, ${count} failed`,
    tone: 'waiting',
    main: `Retry ${count} failed`,
    command: 'retry',
  };
}

function duration(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

function find<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (element === null) throw new Error(`The page has no #${id}.`);
  return element as T; // As written in index.html.
}

export class View {
  readonly #chart = new Chart(find('chart'));
  readonly #main = find<HTMLButtonElement>('main');
  readonly #limits = [...find('limits').querySelectorAll('button')];
  #command: Command | null = null;

  constructor(actions: Actions) {
    this.#main.onclick = () => this.#command !== null && actions.command(this.#command);
    for (const name of ['stop', 'retry', 'reset'] as const) find(name).onclick = () => actions.command(name);
    for (const button of this.#limits)
      button.onclick = () => actions.command({ limit: Number(button.value) });
    find('results').onclick = () => void actions.exportResults();
    find('database').onclick = () => void actions.exportDatabase();
  }

  render(state: BatchState, role: 'runs' | 'watches'): void {
    const { phase, total, completed, failed, storage } = state;
    const { pill, tone, main, command } = lookOf(state);
    const settled = completed + failed;
    this.#command = command;

    find('pill').textContent = pill;
    find('pill').dataset.tone = tone;
    document.title = total > 0 ? `${Math.floor((100 * settled) / total)} % · TaskHub` : 'TaskHub in a page';
    this.#note(state, role);

    find('done').textContent = number(settled);
    find('of').textContent = `of ${number(total)} cities`;
    find('eta').textContent = this.#eta(state);
    const bar = find('bar');
    bar.setAttribute('aria-valuemax', String(total));
    bar.setAttribute('aria-valuenow', String(settled));
    bar.style.setProperty('--completed', String(total > 0 ? completed / total : 0));
    bar.style.setProperty('--failed', String(total > 0 ? failed / total : 0));

    find('completed').textContent = number(completed);
    find('failed').textContent = number(failed);
    find('failed').classList.toggle('bad', failed > 0);
    find('pending').textContent = number(total - settled);
    find('rate').textContent = phase === 'running' ? number(state.rate) : '–';
    find('concurrency').textContent = phase === 'running' ? number(state.concurrency) : '–';
    find('refused').textContent = number(state.refused);

    this.#main.textContent = main;
    this.#enable('main', command !== null);
    this.#enable('stop', phase === 'running');
    find('retry').hidden = command === 'retry';
    this.#enable('retry', failed > 0 && phase !== 'opening' && phase !== 'loading');
    find('retry').textContent = failed > 0 ? `Retry ${number(failed)} failed` : 'Retry failed';
    this.#enable('results', settled > 0);
    this.#enable('reset', phase !== 'opening' && phase !== 'loading' && phase !== 'empty');
    find('database').hidden = storage?.name !== 'opfs';
    this.#enable('database', settled > 0);
    for (const button of this.#limits)
      button.setAttribute('aria-pressed', String(Number(button.value) === state.limit));

    find('reason').textContent = phase === 'running' && state.reason !== '' ? `Now ${state.reason}.` : '';
    this.#chart.show(state.samples, state.limit);
    this.#troubles(state.troubles);
    find('storage').textContent =
      storage === null
        ? ''
        : `Every answer is recorded in this browser, in ${storage.name}; ${storage.reason}.`;
  }

  #enable(id: string, enabled: boolean): void {
    find<HTMLButtonElement>(id).disabled = !enabled;
  }

  #eta({ phase, remaining, total, completed, failed }: BatchState): string {
    if (phase === 'running')
      return remaining === null ? 'finding the pace' : `about ${duration(remaining)} left`;
    if (phase === 'paused') return `${number(total - completed - failed)} to go`;
    return phase === 'finished' && failed === 0 ? 'all recorded' : '';
  }

  #note({ problem, phase }: BatchState, role: 'runs' | 'watches'): void {
    const note = find('note');
    const isWatching = role === 'watches' && phase !== 'opening';
    note.hidden = problem === null && !isWatching;
    note.dataset.tone = problem === null ? 'calm' : 'bad';
    note.textContent =
      problem ??
      'Another tab runs this batch. This one watches, its buttons work, and it takes over when the other is closed.';
  }

  #troubles(troubles: readonly Trouble[]): void {
    const rows = troubles.map(({ at, city, message, again }) => {
      const row = document.createElement('li');
      const cell = (name: string, text: string): HTMLElement => {
        const span = document.createElement('span');
        span.className = name;
        span.textContent = text;
        return span;
      };
      row.append(
        cell('time', new Date(at).toLocaleTimeString('en-GB')),
        cell('city', city),
        cell('message', message),
        cell(again ? 'again' : 'bad', again ? 'tried again' : 'failed'),
      );
      return row;
    });
    if (rows.length === 0) {
      const row = document.createElement('li');
      row.className = 'none';
      row.textContent = 'None so far. Refusals are no errors: they cost no attempt.';
      rows.push(row);
    }
    find('troubles').replaceChildren(...rows);
  }
}
