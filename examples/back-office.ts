// A SaaS back office charges invoices. Connections break after the charge was made; nobody may be charged twice.
import { createTaskHub, defineTask } from '@shelchin/taskhub';
import { dataFile } from './data-file.ts';
import { startLimitedApi } from './limited-api.ts';

interface Invoice {
  number: string;
  cents: number;
}

// What the payment provider did, by the key of the request: the second request with a key gets the first answer.
const charges = new Map<string, { charge: string; cents: number }>();
const api = await startLimitedApi({
  resetRate: 0.25,
  answer({ headers, body }) {
    const key = String(headers['idempotency-key']);
    const charge = charges.get(key) ?? { charge: `ch_${charges.size + 1}`, cents: (body as Invoice).cents };
    charges.set(key, charge);
    return charge;
  },
});

const chargeInvoice = defineTask({
  name: 'charges-2025-06',
  getJobId: (invoice: Invoice) => invoice.number,
  async handler(invoice: Invoice, ctx) {
    const response = await ctx.fetch(`${api.url}/charges/${invoice.number}`, {
      method: 'POST',
      headers: { 'Idempotency-Key': ctx.idempotencyKey }, // the same for every attempt, in every process
      body: JSON.stringify(invoice),
    });
    return ((await response.json()) as { charge: string }).charge;
  },
  retry: { maxAttempts: 8, baseDelay: 20 },
});

const invoices = Array.from({ length: 40 }, (_, i) => ({ number: `INV-${i + 1}`, cents: 100 * (i + 1) }));
const hub = await createTaskHub({ dbPath: dataFile('back-office.db'), durability: 'strict' });
const task = await hub.createTask(chargeInvoice, { inputs: invoices });
const { completed, failed, ran } = await task.start();
const charged = [...charges.values()].reduce((sum, { cents }) => sum + cents, 0);
console.log(`${completed} of ${invoices.length} invoices charged, ${ran} in this run, ${failed} failed`);
console.log(`${api.stats().requests} requests, ${charges.size} charges, ${charged / 100} in all`);
await hub.close();
await api.close();
