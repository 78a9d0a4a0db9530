import { defineConfig, type UserConfig } from 'vite';
import { servicePlugin, startService } from './service.ts';

export default defineConfig(
  async ({ command }): Promise<UserConfig> => ({
    // The page's data belongs to its address: another port would be another, empty page.
    server: { port: 5180, strictPort: true },
    preview: { port: 5180, strictPort: true },
    logLevel: command === 'build' ? 'warn' : 'info',
    // While the page is built, there is nobody to serve.
    plugins: command === 'serve' ? [servicePlugin(await startService())] : [],
  }),
);
