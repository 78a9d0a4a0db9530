// Numbers, times and pieces of text as people read them.

import { stripVTControlCharacters } from 'node:util';
import type { TaskComparison } from '@shelchin/taskhub';

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const ONE_DIGIT = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1, minimumFractionDigits: 1 });

/** `1234567` → `1,234,567` */
export function count(n: number): string {
  return GROUPED.format(n);
}

/** `plural(1, 'row')` → `1 row`; `plural(2, 'row')` → `2 rows` */
export function plural(n: number, noun: string, nouns: string = `${noun}s`): string {
  return `${count(n)} ${n === 1 ? noun : nouns}`;
}

/** `100 new, 100 changed, 100 removed, 19,800 unchanged`; without keys nobody knows what changed. */
export function comparisonText(
  { added, changed, removed, unchanged }: TaskComparison,
  isKeyed: boolean,
): string {
  const changes = isKeyed ? `${count(changed)} changed, ` : '';
  return `${count(added)} new, ${changes}${count(removed)} removed, ${count(unchanged)} unchanged`;
}

/** Calls per second: one digit after the point below 100. */
export function perSecond(rate: number): string {
  return `${rate < 100 ? ONE_DIGIT.format(rate) : count(rate)}/s`;
}

/** A share (0 to 1) that says 100 % only of all, and 0.0 % only of nearly nothing. */
export function percent(part: number, whole: number): string {
  const share = whole === 0 ? 1 : part / whole;
  return `${ONE_DIGIT.format(share >= 1 ? 100 : Math.min(Math.floor(share * 1000) / 10, 99.9))} %`;
}

/** `83_000` → `1 min 23 s`. From ms. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${ONE_DIGIT.format(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A time as `2026-11-26 09:30:05`, local. From ms since 1970. */
export function moment(at: number): string {
  const date = new Date(at);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** Text from outside on one line: no line breaks, no control characters that would move the cursor. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replaceAll(/[\p{Cc}\s]+/gu, ' ')
    .trim();
}

// Scripts and signs that terminals draw two columns wide.
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
const ZERO = /\p{Mark}|\u200d|\ufe0f/u;

/** Columns that a text takes on a terminal. */
export function width(text: string): number {
  let columns = 0;
  for (const char of text) columns += ZERO.test(char) ? 0 : WIDE.test(char) ? 2 : 1;
  return columns;
}

/** `text` cut to `columns`, with an ellipsis where something is missing. */
export function fit(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let [kept, taken] = ['', 0];
  for (const char of text) {
    taken += width(char);
    if (taken > columns - 1) break;
    kept += char;
  }
  return columns < 1 ? '' : `${kept}…`;
}
