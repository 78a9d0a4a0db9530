import { defineTask } from '@shelchin/taskhub';

const api = process.env.CITIES_API ?? 'https://api.example.com';

export default defineTask({
  name: 'cities',
  async handler(row: { id: string; name: string }, ctx) {
    const response = await ctx.fetch(`${api}/cities/${row.id}?name=${encodeURIComponent(row.name)}`);
    return (await response.json()) as { record: string };
  },
  concurrency: { max: 100 },
  retry: { maxAttempts: 5 },
});
