// What the examples print.

/** What an example prints in the first run and in the second; texts that its output holds. */
export const EXAMPLES: Record<string, { first: string[]; second: string[] }> = {
  'quick-start': {
    first: ['0/3 (concurrency: 5)\n', '3/3 (concurrency: 5)\n', "input: 'item3',", 'output: 5,'],
    second: ['3/3 (concurrency: 5)\n', "input: 'item3',", 'output: 5,'],
  },
  job: {
    first: ['ran: 3,', 'adaptive 8\ndurable 7\nbatch 5\n'],
    second: ['ran: 0,', 'adaptive 8\ndurable 7\nbatch 5\n'],
  },
  basic: {
    first: ['4 of 4 done, 4 of them in this run\nadaptive: 8 letters\ndurable: 7 letters\n', 'calls: 4\n'],
    second: ['4 of 4 done, 0 of them in this run\nadaptive: 8 letters\ndurable: 7 letters\n', 'calls: 0\n'],
  },
  dynamic: {
    first: ['page 5: 20 items\n', '100 items, 100 of them in this run\nsum of squares: 338350\n'],
    second: ['page 5: 20 items\n', '100 items, 0 of them in this run\nsum of squares: 338350\n'],
  },
  retry: {
    first: [
      'Atlantis: given up, HTTP 404 Not Found',
      '5 completed, 1 failed, 5 retries\n1 put back: 6 completed, 0 failed\n',
    ],
    second: ['5 completed, 1 failed, 5 retries\n1 put back: 6 completed, 0 failed\n'],
  },
  'pause-resume': {
    first: [
      'status: paused\ncalls during the pause: 0\nstatus: running\n',
      'status: paused, the run ended as paused\nstatus: completed, 120 of 120 completed, 0 failed\n',
    ],
    second: ['calls during the pause: 0\n', 'status: completed, 120 of 120 completed, 0 failed\n'],
  },
  aimd: {
    first: ['refused: admits ', '300 of 300 completed, 0 failed\n'],
    second: ['300 of 300 completed, 0 failed\n'],
  },
  deterministic: {
    first: [
      'first: 3 ran, root 072ee5940787a679…\nsame task: true, created: false, status: completed\n',
      'root known before: true\nfound by root: upper-case\n',
      'more: 4 jobs, 3 reused, 1 ran\nadded: 54e1d6ea447ce30b…\n',
    ],
    second: ['first: 0 ran, root 072ee5940787a679…\n', 'more: 4 jobs, 3 reused, 0 ran\n'],
  },
  recovery: {
    first: ['300 of 300 recorded, status completed\n'],
    second: ['300 of 300 recorded, status completed\n'],
  },
  'llm-overnight': {
    first: ['100 of 100 answered, 0 failed, 2092 tokens\n', '7 errors\n'],
    second: ['100 of 100 answered, 0 failed, 2092 tokens\nthis run: 0 calls, 0 refused, 0 errors\n'],
  },
  'rpc-endpoints': {
    first: ['60 balances, 60 in this run, 0 failed, sum 1830 finney\nrefused and asked again: 7\n'],
    second: ['60 balances, 0 in this run, 0 failed, sum 1830 finney\nrefused and asked again: 0\n'],
  },
  'back-office': {
    first: ['40 of 40 invoices charged, 40 in this run, 0 failed\n', '51 requests, 40 charges, 820 in all\n'],
    second: ['40 of 40 invoices charged, 0 in this run, 0 failed\n0 requests, '],
  },
  reference: {
    first: [
      '99 completed, 1 failed\n',
      '5: MyFatalError after 1 attempt\n',
      '\n2\n4\n6\nCannot create "',
      'rate yet: ',
      'refused so far: 0\n',
    ],
    second: ['99 completed, 1 failed\n', '3 tasks looked at\n'],
  },
  'bad-night': {
    first: [
      'asItComes  1.06 × the best time, 1.3 % refused, 0 lost, 5.92 per second at the slowest\n',
      'bareFetch  0.24 × the best time, 94.5 % refused, 3753 lost, 19.7 per second at the slowest\n',
      'ownRetries 1.18 × the best time, 18.5 % refused, 0 lost, 8.37 per second at the slowest\n',
    ],
    second: ['asItComes  1.06 × the best time, 1.3 % refused, 0 lost, 5.92 per second at the slowest\n'],
  },
  'core-and-storage': {
    first: ['core: 4\nand: 3\nstorage: 7\n'],
    second: ['core: 4\nand: 3\nstorage: 7\n'],
  },
  scraper: {
    first: ['60 of 60 pages read, 60 in this run\n'],
    second: ['60 of 60 pages read, 0 in this run\n'],
  },
  outbox: {
    first: ['offline: HALTED, 0 sent, 0 failed\nonline: 3 sent now, 3 of 3 in all, 3 calls\n'],
    second: ['offline: HALTED, 3 sent, 0 failed\nonline: 3 sent now, 6 of 6 in all, 3 calls\n'],
  },
};
