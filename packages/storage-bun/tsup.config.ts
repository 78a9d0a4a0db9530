import { packageConfig } from '../../tsup.base.ts';

// The types of storage-sqlite are found through `paths` of tsconfig.json: by way of node_modules they would count as
// those of another package, and be imported instead of copied.
export default { ...packageConfig(['src/index.ts'], ['@taskhub/storage-sqlite']), dts: true };
