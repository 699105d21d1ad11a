import { defineConfig } from 'vitest/config';

// One project per test layer, so that each runs alone: `npx vitest run --project unit`.
const project = (name: string, options: { timeout?: number } = {}) => ({
  resolve: { conditions: ['antiphon-src'] },
  ssr: { resolve: { conditions: ['antiphon-src'] } },
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    testTimeout: options.timeout ?? 20_000,
    hookTimeout: options.timeout ?? 20_000,
    pool: 'forks' as const,
    execArgv: ['--conditions=antiphon-src'],
  },
});

export default defineConfig({
  test: {
    // Vitest leaves a core idle, and most tests of servers wait.
    maxWorkers: 2,
    projects: [
      project('unit'),
      project('tidy'),
      project('contract', { timeout: 60_000 }),
      project('scenario'),
      project('simulation', { timeout: 300_000 }),
      project('diff', { timeout: 180_000 }),
      project('integration', { timeout: 120_000 }),
      project('multiregion', { timeout: 300_000 }),
      project('compat', { timeout: 900_000 }),
    ],
  },
});
