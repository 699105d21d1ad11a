// One server process on SQLite in a folder of its own: what a plain `npm run bench` measures.
import fs from 'node:fs';
import { makeFolder, startServerProcess } from './server-process.ts';
import { deploymentOf, type Target } from './target.ts';

export const embeddedTarget = (server: {
  readonly entry?: string | undefined;
  readonly nodeArguments: readonly string[];
}): Target => ({
  title: 'SQLite, synchronous=FULL',
  makeSite: async () => {
    const folder = makeFolder();
    return {
      start: async () => deploymentOf([await startServerProcess({ folder, ...server })]),
      remove: async () => fs.rmSync(folder, { recursive: true, force: true }),
    };
  },
  close: async () => {},
});
