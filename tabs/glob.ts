// What Vite makes of `import.meta.glob` in a page.

declare global {
  interface ImportMeta {
    /** The default export of each file, by its path. */
    glob<T>(pattern: string, options: { eager: true; import: 'default'; query?: '?url' }): Record<string, T>;
  }
}

export {};
