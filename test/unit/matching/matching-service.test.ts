// Tasks, polls and queries meet (semantics §3).
import { QueryResultType, TaskListType, WorkflowQuery, WorkflowQueryResult } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import { DomainNotActiveError, unavailable } from '#base';
import { sleep } from '#env';
import { decodeQueryTaskToken } from '#rpc';
import { domainRecord } from '../domains/records.ts';
import {
  addDecision,
  CALLER,
  createHarness,
  DOMAIN_ID,
  decisionPoll,
  type Harness,
  listOf,
  runIdOf,
  startMatching,
  sticky,
  taskOf,
} from './harness.ts';

const storedTasks = (h: Harness, name = 'list') =>
  h.store.taskLists.loadTasks({ domainId: DOMAIN_ID, name, type: TaskListType.TASK_LIST_TYPE_DECISION }, 0, 1000);

describe('sync match', () => {
  it('hands a task to a waiting poll without writing it', async () => {
    const h = await createHarness();
    const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.advance(100);
    await addDecision(h, 'run-1');
    expect(runIdOf(await polled)).toBe('run-1');
    expect(await storedTasks(h)).toEqual([]);
  });

  it('lets a task wait a moment for a poll when polls come regularly', async () => {
    const h = await createHarness();
    const first = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.advance(100);
    await addDecision(h, 'run-1');
    await first;
    const added = addDecision(h, 'run-2');
    await h.env.advance(5);
    const second = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    await added;
    expect(runIdOf(await second)).toBe('run-2');
    expect(await storedTasks(h)).toEqual([]);
  });

  it('writes a task that no poll took in that moment, and answers its caller then', async () => {
    const h = await createHarness();
    const first = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.advance(100);
    await addDecision(h, 'run-1');
    await first;
    const added = addDecision(h, 'run-2');
    await h.env.settle();
    expect(await storedTasks(h)).toEqual([]);
    await h.env.advance(20);
    await added;
    expect((await storedTasks(h)).map((task) => task.runId)).toEqual(['run-2']);
  });

  it('drops a task that history needs no more and gives the poll the next one', async () => {
    const h = await createHarness();
    const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    await h.matching.addDecisionTask(taskOf('gone'));
    await addDecision(h, 'run-1');
    expect(runIdOf(await polled)).toBe('run-1');
  });

  it('repeats a start that failed with the same request id', async () => {
    const h = await createHarness();
    const requestIds: string[] = [];
    h.history.before = (_run, requestId) => {
      requestIds.push(requestId);
    };
    // It took effect, but the answer is lost once.
    h.history.after = () => {
      if (requestIds.length === 1) throw unavailable('shard is moving');
    };
    const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    const added = addDecision(h, 'run-1');
    await h.env.advance(1000);
    await added;
    expect(runIdOf(await polled)).toBe('run-1');
    expect(requestIds.length).toBe(2);
    expect(new Set(requestIds).size).toBe(1);
  });

  it('tells the caller of a sync task when history cannot start it', async () => {
    const h = await createHarness();
    h.history.before = () => {
      throw unavailable('history is down');
    };
    void h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    const added = addDecision(h, 'run-1').catch((error: unknown) => error);
    await h.env.advance(5000);
    expect(await added).toMatchObject({ kind: 'Unavailable' });
    await h.matching.stop();
  });
});

describe('backlog', () => {
  it('keeps tasks over a restart and serves them in order', async () => {
    const h = await createHarness();
    for (let i = 0; i < 5; i++) await addDecision(h, `run-${i}`);
    await h.matching.stop();
    const again = startMatching(h.env, h.store, h.domains, h.history);
    const runs: string[] = [];
    for (let i = 0; i < 5; i++) runs.push(runIdOf(await again.pollForDecisionTask(decisionPoll(), {})));
    expect(runs).toEqual(['run-0', 'run-1', 'run-2', 'run-3', 'run-4']);
    await again.stop();
    expect(await storedTasks(h)).toEqual([]);
  });

  it('reads more than fits in memory page by page and reports what is really left', async () => {
    const h = await createHarness({ bufferedTaskCountMax: 10, loadPageSize: 7, appendBatchSize: 4 });
    await Promise.all(Array.from({ length: 60 }, (_, i) => addDecision(h, `run-${i}`)));
    const runs: string[] = [];
    const hints: number[] = [];
    for (let i = 0; i < 60; i++) {
      const polled = await h.matching.pollForDecisionTask(decisionPoll(), {});
      runs.push(runIdOf(polled));
      hints.push(Number(polled.response.backlogCountHint));
    }
    expect(runs).toEqual(Array.from({ length: 60 }, (_, i) => `run-${i}`));
    expect(hints).toEqual(Array.from({ length: 60 }, (_, i) => 59 - i));
  });

  it('keeps a stored task that history could not start and offers it again later', async () => {
    const h = await createHarness();
    await addDecision(h, 'run-1');
    let isDown = true;
    h.history.before = () => {
      if (isDown) throw unavailable('history is down');
    };
    const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.advance(3000);
    isDown = false;
    await h.env.advance(20_000);
    expect(runIdOf(await polled)).toBe('run-1');
  });

  it('keeps the request id of a stored task over failed deliveries, so that a start whose answer was lost is not wasted', async () => {
    const h = await createHarness({ startAttemptCountMax: 2 });
    await addDecision(h, 'run-1');
    let failures = 0;
    h.history.after = () => {
      if (failures++ < 3) throw unavailable('answer lost');
    };
    const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.advance(5000);
    expect(runIdOf(await polled)).toBe('run-1');
  });

  it('moves a task that keeps failing to the tail, so that the ack level goes on', async () => {
    const h = await createHarness({ startAttemptCountMax: 1 });
    await addDecision(h, 'bad');
    await addDecision(h, 'good');
    h.history.before = (runId) => {
      if (runId === 'bad') throw unavailable('broken shard');
    };
    expect(runIdOf(await h.matching.pollForDecisionTask(decisionPoll(), {}))).toBe('good');
    for (let i = 0; i < 4; i++) {
      const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
      await h.env.advance(61_000);
      expect(runIdOf(await polled)).toBe('');
    }
    const left = await storedTasks(h);
    expect(new Set(left.map((task) => task.runId))).toEqual(new Set(['bad']));
    expect(left[0]!.taskId).toBeGreaterThan(2);
    await h.matching.stop();
  });

  it('drops a task whose schedule-to-start time is over', async () => {
    const h = await createHarness();
    await addDecision(h, 'late', listOf(), 1000);
    await h.env.advance(2000);
    await addDecision(h, 'fresh', listOf(), 1000);
    expect(runIdOf(await h.matching.pollForDecisionTask(decisionPoll(), {}))).toBe('fresh');
    expect(h.history.pending.has('late')).toBe(true);
  });

  it('takes the lease again when another owner had it, and loses nothing', async () => {
    const h = await createHarness();
    await addDecision(h, 'run-0');
    const key = { domainId: DOMAIN_ID, name: 'list', type: TaskListType.TASK_LIST_TYPE_DECISION };
    await h.store.taskLists.leaseTaskList(key, 1, 0);
    await addDecision(h, 'run-1');
    const runs = new Set<string>();
    for (let i = 0; i < 2; i++) runs.add(runIdOf(await h.matching.pollForDecisionTask(decisionPoll(), {})));
    expect([...runs].sort()).toEqual(['run-0', 'run-1']);
  });

  it('notices by its empty polls that another owner had the list, and serves what that one left', async () => {
    const h = await createHarness();
    const idle = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.advance(1000);
    const other = startMatching(h.env, h.store, h.domains, h.history);
    h.history.pending.add('run-1');
    await other.addDecisionTask(taskOf('run-1'));
    await other.stop();
    await h.env.advance(60_000);
    expect(runIdOf(await idle)).toBe('');
    expect(runIdOf(await h.matching.pollForDecisionTask(decisionPoll(), {}))).toBe('run-1');
  });

  it('refuses more waiting appends than its bound with ServiceBusy', async () => {
    const h = await createHarness({ pendingAppendCountMax: 2 });
    const added = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => addDecision(h, `run-${i}`)));
    const refused = added.filter((outcome) => outcome.status === 'rejected');
    expect(refused.length).toBe(8);
    expect(refused[0]).toMatchObject({ reason: { message: 'Too many outstanding appends to the TaskList' } });
  });
});

describe('polls', () => {
  it('answers empty before the deadline, with no other timer than its own', async () => {
    const h = await createHarness();
    const startMs = h.env.clock.nowMs();
    let answeredMs = 0;
    const polled = h.matching.pollForDecisionTask(decisionPoll(), { deadlineMs: startMs + 10_000 }).then((answer) => {
      answeredMs = h.env.clock.nowMs();
      return answer;
    });
    await h.env.advance(20_000);
    expect((await polled).response.taskToken.length).toBe(0);
    expect(answeredMs - startMs).toBe(9000);
  });

  it('does not give a task to a poll whose caller has gone', async () => {
    const h = await createHarness();
    const gone = new AbortController();
    const dead = h.matching.pollForDecisionTask(decisionPoll(), { signal: gone.signal });
    await h.env.settle();
    gone.abort();
    const alive = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    await addDecision(h, 'run-1');
    expect(runIdOf(await alive)).toBe('run-1');
    expect(runIdOf(await dead)).toBe('');
    expect(h.history.calls).toBe(1);
  });

  it('puts a matched task back when its poll goes before history was asked', async () => {
    const h = await createHarness();
    const gone = new AbortController();
    const dead = h.matching.pollForDecisionTask(decisionPoll(), { signal: gone.signal });
    await h.env.settle();
    const added = addDecision(h, 'run-1');
    gone.abort();
    await h.env.advance(50);
    await added;
    expect(runIdOf(await dead)).toBe('');
    expect(h.history.pending.has('run-1')).toBe(true);
    expect(runIdOf(await h.matching.pollForDecisionTask(decisionPoll(), {}))).toBe('run-1');
  });

  it('of another host end at its word with nothing, or with the task that history was already starting for them', async () => {
    const h = await createHarness();
    const list = { domainId: DOMAIN_ID, taskList: listOf(), type: TaskListType.TASK_LIST_TYPE_DECISION };
    const cancel = (pollerId: string) => h.matching.cancelOutstandingPoll({ ...list, pollerId });
    const idle = h.matching.pollForDecisionTask({ ...decisionPoll(), pollerId: 'idle' }, { isOfAnotherHost: true });
    await h.env.settle();
    await cancel('idle');
    expect(runIdOf(await idle)).toBe('');
    await cancel('idle');

    h.history.before = () => sleep(h.env.scheduler, 100);
    const busy = h.matching.pollForDecisionTask({ ...decisionPoll(), pollerId: 'busy' }, { isOfAnotherHost: true });
    await h.env.settle();
    const added = addDecision(h, 'run-1');
    await h.env.advance(50);
    await cancel('busy');
    await h.env.advance(100);
    await added;
    expect(runIdOf(await busy)).toBe('run-1');
  });

  it('of this process are not ended by an id', async () => {
    const h = await createHarness();
    const list = { domainId: DOMAIN_ID, taskList: listOf(), type: TaskListType.TASK_LIST_TYPE_DECISION };
    const polled = h.matching.pollForDecisionTask({ ...decisionPoll(), pollerId: 'own' }, {});
    await h.env.settle();
    await h.matching.cancelOutstandingPoll({ ...list, pollerId: 'own' });
    await addDecision(h, 'run-1');
    expect(runIdOf(await polled)).toBe('run-1');
  });

  it('limits activities to the last wished rate, and 0 blocks them', async () => {
    const h = await createHarness();
    const poll = (maxTasksPerSecond: number) =>
      h.matching.pollForActivityTask(
        { domainId: DOMAIN_ID, taskList: listOf(), identity: 'w', pollerId: 'p', maxTasksPerSecond },
        {},
      );
    for (let i = 0; i < 20; i++) {
      h.history.pending.add(`run-${i}`);
      await h.matching.addActivityTask(taskOf(`run-${i}`));
    }
    const blocked = Array.from({ length: 20 }, () => poll(0));
    await h.env.advance(5000);
    expect(h.history.calls).toBe(0);
    const last = poll(2);
    await h.env.advance(1000);
    const afterBurst = h.history.calls;
    expect(afterBurst).toBeLessThanOrEqual(5);
    await h.env.advance(4000);
    expect(h.history.calls - afterBurst).toBe(8);
    await h.matching.stop();
    await Promise.all([...blocked, last]);
  });

  it('holds ten thousand idle polls and gives each its task', async () => {
    const h = await createHarness();
    const polls = Array.from({ length: 10_000 }, () => h.matching.pollForDecisionTask(decisionPoll(), {}));
    await h.env.settle();
    for (let i = 0; i < 10_000; i++) h.history.pending.add(`run-${i}`);
    await Promise.all(Array.from({ length: 10_000 }, (_, i) => h.matching.addDecisionTask(taskOf(`run-${i}`))));
    const runs = new Set((await Promise.all(polls)).map(runIdOf));
    expect(runs.size).toBe(10_000);
  });
});

describe('sticky lists', () => {
  it('refuse a task when no worker polled them in the last ten seconds', async () => {
    const h = await createHarness();
    await expect(addDecision(h, 'run-1', sticky())).rejects.toMatchObject({ kind: 'StickyWorkerUnavailable' });
    const polled = h.matching.pollForDecisionTask(decisionPoll(sticky()), {
      deadlineMs: h.env.clock.nowMs() + 2000,
    });
    await h.env.advance(5000);
    await polled;
    await addDecision(h, 'run-2', sticky());
    await h.env.advance(11_000);
    await expect(addDecision(h, 'run-3', sticky())).rejects.toMatchObject({ kind: 'StickyWorkerUnavailable' });
  });

  it('refuse at once when the last waiting poll broke off', async () => {
    const h = await createHarness();
    const gone = new AbortController();
    const polled = h.matching.pollForDecisionTask(decisionPoll(sticky()), { signal: gone.signal });
    await h.env.settle();
    gone.abort();
    await polled;
    await expect(addDecision(h, 'run-1', sticky())).rejects.toMatchObject({ kind: 'StickyWorkerUnavailable' });
  });

  it('write nothing and report 0 once drained', async () => {
    const h = await createHarness();
    const list = sticky();
    const first = h.matching.pollForDecisionTask(decisionPoll(list), {});
    await h.env.settle();
    for (const run of ['run-1', 'run-2', 'run-3']) await addDecision(h, run, list, 5000);
    await h.env.advance(100);
    const polls = [await first];
    for (let i = 0; i < 2; i++) polls.push(await h.matching.pollForDecisionTask(decisionPoll(list), {}));
    expect(polls.map(runIdOf)).toEqual(['run-1', 'run-2', 'run-3']);
    expect(polls.at(-1)!.response.backlogCountHint).toBe(0n);
    expect(await h.store.taskLists.listTaskLists()).toEqual([]);
  });
});

describe('a domain that is active elsewhere', () => {
  it('stores tasks and serves only queries, until it becomes active here', async () => {
    const h = await createHarness({}, { activeCluster: 'b' });
    const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    await addDecision(h, 'run-1');
    expect((await storedTasks(h)).length).toBe(1);
    expect(h.history.calls).toBe(0);
    const query = h.matching.queryWorkflow(
      { run: { domainId: DOMAIN_ID, workflowId: 'w', runId: 'r' }, taskList: listOf(), query: someQuery },
      {},
    );
    await h.env.settle();
    const task = (await polled).response;
    await answer(h, task.taskToken);
    expect(await query).toMatchObject({ queryResult: { data: Buffer.from('42') } });
    const next = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    const stored = (await h.store.domains.findDomain({ id: DOMAIN_ID }))!;
    const active = domainRecord({ id: DOMAIN_ID, activeCluster: 'a', failoverVersion: 10 });
    h.domains.put(await h.store.domains.updateDomain(active, stored.notificationVersion));
    expect(runIdOf(await next)).toBe('run-1');
  });

  it('keeps a task when history says so first', async () => {
    const h = await createHarness();
    const polled = h.matching.pollForDecisionTask(decisionPoll(), {});
    await h.env.settle();
    h.history.before = () => {
      throw new DomainNotActiveError('orders', 'a', 'b');
    };
    const added = addDecision(h, 'run-1');
    await h.env.advance(100);
    await added;
    expect((await storedTasks(h)).map((task) => task.runId)).toEqual(['run-1']);
    h.history.before = () => {};
    await h.env.advance(20_000);
    expect(runIdOf(await polled)).toBe('run-1');
  });
});

const someQuery = WorkflowQuery.fromPartial({ queryType: 'state' });

async function answer(h: Harness, taskToken: Uint8Array, domainId = DOMAIN_ID): Promise<void> {
  const token = decodeQueryTaskToken(taskToken);
  await h.matching.respondQueryTaskCompleted(
    { domainId, taskListName: token.taskList, taskId: token.taskId },
    WorkflowQueryResult.fromPartial({
      resultType: QueryResultType.QUERY_RESULT_TYPE_ANSWERED,
      answer: { data: Buffer.from('42') },
    }),
    CALLER,
  );
}

describe('queries', () => {
  const request = (taskList = listOf()) => ({
    run: { domainId: DOMAIN_ID, workflowId: 'w', runId: 'r' },
    taskList,
    query: someQuery,
  });

  it('go to a poller with the whole history, and its answer to the caller', async () => {
    const h = await createHarness();
    const query = h.matching.queryWorkflow(request(), {});
    const polled = await h.matching.pollForDecisionTask(decisionPoll(), {});
    expect(polled.response.query).toEqual(someQuery);
    expect(polled.historyBlobs.length).toBe(1);
    await answer(h, polled.response.taskToken);
    expect(await query).toMatchObject({ queryResult: { data: Buffer.from('42') } });
    await expect(answer(h, polled.response.taskToken)).rejects.toMatchObject({
      message: 'query task not found, or already expired',
    });
  });

  it('are not answered by a token of another domain', async () => {
    const h = await createHarness();
    const query = h.matching.queryWorkflow(request(), {}).catch((error: unknown) => error);
    const polled = await h.matching.pollForDecisionTask(decisionPoll(), {});
    await expect(answer(h, polled.response.taskToken, 'other')).rejects.toMatchObject({ kind: 'EntityNotExists' });
    await h.env.advance(60_000);
    expect(await query).toMatchObject({ kind: 'DeadlineExceeded' });
  });

  it('without a worker on a sticky list are refused at once, with one get no history', async () => {
    const h = await createHarness();
    await expect(h.matching.queryWorkflow(request(sticky()), {})).rejects.toMatchObject({
      kind: 'StickyWorkerUnavailable',
    });
    const polled = h.matching.pollForDecisionTask(decisionPoll(sticky()), {});
    await h.env.settle();
    const query = h.matching.queryWorkflow(request(sticky()), {});
    expect((await polled).historyBlobs).toEqual([]);
    await answer(h, (await polled).response.taskToken);
    await query;
  });

  it('go to the next poller when the first is gone', async () => {
    const h = await createHarness();
    const gone = new AbortController();
    const dead = h.matching.pollForDecisionTask(decisionPoll(), { signal: gone.signal });
    await h.env.settle();
    const query = h.matching.queryWorkflow(request(), {});
    gone.abort();
    const polled = await h.matching.pollForDecisionTask(decisionPoll(), {});
    expect((await dead).response.query).toBeUndefined();
    await answer(h, polled.response.taskToken);
    await query;
  });

  it('end with the text of the worker when it failed them', async () => {
    const h = await createHarness();
    const query = h.matching.queryWorkflow(request(), {}).catch((error: unknown) => error);
    const polled = await h.matching.pollForDecisionTask(decisionPoll(), {});
    const { taskId, taskList } = decodeQueryTaskToken(polled.response.taskToken);
    await h.matching.respondQueryTaskCompleted(
      { domainId: DOMAIN_ID, taskListName: taskList, taskId },
      WorkflowQueryResult.fromPartial({
        resultType: QueryResultType.QUERY_RESULT_TYPE_FAILED,
        errorMessage: 'unknown query type',
      }),
      CALLER,
    );
    expect(await query).toMatchObject({ kind: 'QueryFailed', message: 'unknown query type' });
  });
});

describe('describing', () => {
  it('shows pollers and what is left, and writes nothing for an unknown list', async () => {
    const h = await createHarness();
    const describe = (name: string) =>
      h.matching.describeTaskList({
        domainId: DOMAIN_ID,
        taskList: listOf(name),
        type: TaskListType.TASK_LIST_TYPE_DECISION,
        includeStatus: true,
      });
    expect((await describe('unknown')).taskListStatus?.empty).toBe(true);
    expect(await h.store.taskLists.listTaskLists()).toEqual([]);
    await addDecision(h, 'run-1');
    await addDecision(h, 'run-2');
    await h.matching.pollForDecisionTask(decisionPoll(listOf(), 'alice'), {});
    const described = await describe('list');
    expect(described.pollers.map((poller) => poller.identity)).toEqual(['alice']);
    expect(described.taskListStatus?.backlogCountHint).toBe(1n);
    expect(Object.keys((await h.matching.listTaskLists(DOMAIN_ID)).decision)).toEqual(['list']);
    await h.env.advance(7 * 60_000);
    expect((await h.matching.listTaskLists(DOMAIN_ID)).decision).toEqual({});
    expect((await describe('list')).taskListStatus?.backlogCountHint).toBe(1n);
  });
});
