// Numbers as they are said to people.

/** `0.4 s`, `41 s`, `3 min`, `2 h`; never negative. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 9.95) return `${Number(seconds.toFixed(1))} s`;
  if (seconds < 119.5) return `${Math.round(seconds)} s`;
  if (seconds < 7170) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** A rate of calls per ms as `98 calls/s`; below one per second as `1 call every 2.5 s`. */
export function perSecond(rate: number): string {
  const perS = rate * 1000;
  return perS < 1 ? `1 call every ${duration(1 / rate)}` : `${rounded(perS)} calls/s`;
}

/** Three digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

/** `1 call`, `5 calls` */
export function calls(count: number): string {
  return count === 1 ? '1 call' : `${count} calls`;
}
