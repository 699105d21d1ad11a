// The backlog on a real file: many tasks, a restart in the middle, real time.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDomainCache } from '#domains';
import { createRealEnv } from '#env';
import { createSqliteStore } from '#persistence/sqlite';
import { domainRecord, GROUP } from '../../unit/domains/records.ts';
import {
  createFakeHistory,
  DOMAIN_ID,
  decisionPoll,
  runIdOf,
  startMatching,
  taskOf,
} from '../../unit/matching/harness.ts';

const TASK_COUNT = 5000;
const folder = mkdtempSync(join(tmpdir(), 'antiphon-matching-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const env = createRealEnv();
const history = createFakeHistory();

async function openHost() {
  const store = createSqliteStore({ path: join(folder, 'store.db') }, env);
  const domains = createDomainCache({ env, store: store.domains, clusters: GROUP });
  if ((await store.domains.findDomain({ id: DOMAIN_ID })) === undefined) {
    await store.domains.createDomain(domainRecord({ id: DOMAIN_ID }));
  }
  await domains.byId(DOMAIN_ID);
  return { store, matching: startMatching(env, store, domains, history) };
}

describe('a backlog on SQLite', () => {
  it('is written in groups, outlives its process, and is served once and in order', async () => {
    const first = await openHost();
    for (let from = 0; from < TASK_COUNT; from += 1000) {
      const batch = Array.from({ length: 1000 }, (_, i) => `run-${from + i}`);
      for (const run of batch) history.pending.add(run);
      await Promise.all(batch.map((run) => first.matching.addDecisionTask(taskOf(run))));
    }
    const served: string[] = [];
    const poll = async (host: typeof first): Promise<void> => {
      const polled = await host.matching.pollForDecisionTask(decisionPoll(), { deadlineMs: env.clock.nowMs() + 5000 });
      served.push(runIdOf(polled));
    };
    for (let i = 0; i < 1500; i++) await poll(first);
    await first.matching.stop();
    await first.store.close();
    const second = await openHost();
    for (let i = 1500; i < TASK_COUNT; i++) await poll(second);
    expect(served).toEqual(Array.from({ length: TASK_COUNT }, (_, i) => `run-${i}`));
    await second.matching.stop();
    const left = await second.store.taskLists.loadTasks({ domainId: DOMAIN_ID, name: 'list', type: 1 }, 0, 10);
    expect(left).toEqual([]);
    await second.store.close();
  });
});
