// Checkers that never find anything prove nothing: bugs that show at once are caught here on every run. All of them, and how many seeds each
// takes, by `npm run sim -- --mutations`.
import { describe, expect, it } from 'vitest';
import { MUTATIONS } from './mutations.ts';
import { prove } from './prove-mutations.ts';

const QUICK_SEEDS_MAX = 6;
const QUICK: readonly (readonly [mutation: string, checker: string])[] = [
  ['acknowledged-before-commit', 'acknowledged-is-durable'],
  ['signal-request-ids-lost', 'unknown-is-zero-or-one'],
  ['create-request-id-lost', 'one-current-run'],
  ['current-row-not-closed', 'one-current-run'],
  ['stale-execution-read', 'no-lost-work'],
  ['timers-not-stored', 'tasks-match-state'],
  ['history-batch-dropped', 'history-wellformed'],
  ['visibility-close-lost', 'visibility-agrees'],
  ['visibility-mixes-tenants', 'tenant-isolation'],
  ['retention-before-archive', 'archive-complete'],
  ['replication-task-skipped', 'replicas-agree'],
];

describe('a seeded bug', () => {
  it.each(QUICK)('%s is caught by %s', async (name, checker) => {
    const mutation = MUTATIONS.find((candidate) => candidate.name === name);
    if (mutation === undefined) throw new Error(`no mutation ${name}`);
    const proof = await prove(mutation, 1, { seedsMax: QUICK_SEEDS_MAX, by: checker });
    expect(proof.checkers).toContain(checker);
  });

  it('fence-ignored is caught where hosts forget each other and go on', async () => {
    const mutation = MUTATIONS.find(({ name }) => name === 'fence-ignored');
    if (mutation === undefined) throw new Error('no mutation fence-ignored');
    const proof = await prove(mutation, 1, { seedsMax: QUICK_SEEDS_MAX, by: 'acknowledged-is-durable', hosts: 3 });
    expect(proof.checkers).toContain('acknowledged-is-durable');
  });

  it('has a name of its own, and there are at least twelve', () => {
    const names = MUTATIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(12);
  });
});
