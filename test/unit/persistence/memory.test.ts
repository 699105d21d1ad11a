// What the simulation relies on: a memory store that crashes loses what was not applied, and nothing else; faults come where they are planned.
import { describe, expect, it } from 'vitest';
import { isStoreError } from '#base';
import { createSimulatedEnv } from '#env';
import { type Fault, type StoreCall, withFaults } from '#persistence';
import { createMemoryStore } from '#persistence/memory';
import { bytes, emptyCommit, execution, runKey } from '../../contract/store/drivers.ts';

const unavailable = (error: unknown): boolean => isStoreError(error, 'Unavailable');

describe('a memory store', () => {
  it('applies writes in a later turn of virtual time and loses them in a crash before it', async () => {
    const env = createSimulatedEnv({ seed: 1 });
    const store = createMemoryStore(env);
    const acquired = store.shards.acquireShard(1, 'a', 1);
    await env.advance(1);
    await acquired;
    const durable = store.shards.commit(1, 1, { ...emptyCommit, executions: [execution('durable')] });
    await env.advance(1);
    await durable;
    const lost = store.shards.commit(1, 1, { ...emptyCommit, executions: [execution('lost')] });
    store.crash();
    const outcome = expect(lost).rejects.toSatisfy(unavailable);
    await env.advance(1);
    await outcome;
    const reopened = createMemoryStore(env, store.image);
    expect(await reopened.shards.loadExecution(1, runKey('durable'))).toBeDefined();
    expect(await reopened.shards.loadExecution(1, runKey('lost'))).toBeUndefined();
    await expect(store.shards.loadExecution(1, runKey('durable'))).rejects.toSatisfy(unavailable);
  });

  it('works without an env, at once', async () => {
    const store = createMemoryStore();
    await store.keyValues.put('b', 'k', bytes('v'), 0);
    expect((await store.keyValues.get('b', 'k'))?.version).toBe(1);
  });

  it('does not alias what callers hold', async () => {
    const store = createMemoryStore();
    await store.shards.acquireShard(1, 'a', 1);
    const task = {
      domainId: 'd',
      workflowId: 'w',
      runId: 'r',
      taskId: 1,
      version: 1,
      work: {
        $case: 'decision' as const,
        value: { scheduleId: 2, taskList: undefined, scheduleToStartSeconds: 0, attempt: 0 },
      },
    };
    await store.shards.commit(1, 1, { ...emptyCommit, transferTasks: [task] });
    task.work.value.scheduleId = 99;
    expect((await store.shards.loadTransferTasks(1, 0, 1))[0]?.work).toMatchObject({ value: { scheduleId: 2 } });
  });
});

describe('injected faults', () => {
  it('reach every port and see which calls write', async () => {
    const env = createSimulatedEnv({ seed: 1 });
    const calls: string[] = [];
    let fault: Fault | undefined;
    const decide = ({ port, method, isWrite }: StoreCall): Fault | undefined => {
      calls.push(`${port}.${method}${isWrite ? ' writes' : ''}`);
      return fault;
    };
    const store = withFaults(createMemoryStore(), { decide, scheduler: env.scheduler });
    await store.shards.loadShardMap({ epoch: 1, shards: [] });
    await store.history.listBranches('t');
    await store.history.deleteBranch({ treeId: 't', branchId: 'b', ancestors: [] });
    await store.taskLists.listTaskLists();
    await store.domains.findDomain({ id: 'x' });
    await store.log.append('t', 0, []);
    await store.log.lastOffset('t', 0);
    await store.keyValues.get('b', 'k');
    expect(calls).toEqual([
      'shards.loadShardMap writes',
      'history.listBranches',
      'history.deleteBranch writes',
      'taskLists.listTaskLists',
      'domains.findDomain',
      'log.append writes',
      'log.lastOffset',
      'keyValues.get',
    ]);
    fault = { delayMs: 500, fail: 'before' };
    const slow = expect(store.keyValues.get('b', 'k')).rejects.toSatisfy(unavailable);
    await env.advance(1000);
    await slow;
  });
});
