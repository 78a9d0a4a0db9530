// What a store keeps of a task besides its jobs, as one JSON text.
import { storableConfig } from './config.js';
import type { Codec, TaskConfig, TaskIdentityConfig, TaskType } from './types.js';

/** The stored form of a task's options. */
export interface StoredOptions {
  type: TaskType;
  version: string | null;
  duplicates: NonNullable<TaskIdentityConfig['duplicates']>;
  /** Whether payloads were written with a codec, which only the source has. */
  codec: boolean;
  config: TaskConfig;
}

export function writeOptions(options: {
  type: TaskType;
  version: string | undefined;
  duplicates: TaskIdentityConfig['duplicates'];
  codec: Codec | undefined;
  config: TaskConfig;
}): string {
  const { type, version, duplicates, codec, config } = options;
  return JSON.stringify({
    type,
    version: version ?? null,
    duplicates: duplicates ?? 'skip',
    codec: codec !== undefined,
    config: storableConfig(config),
  } satisfies StoredOptions);
}

export function readOptions(text: string): StoredOptions {
  return JSON.parse(text) as StoredOptions; // written by writeOptions
}
