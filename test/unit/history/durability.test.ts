// Nothing is acknowledged before its commit, an unknown outcome stays unknown, and what was promised survives a crash.
import { describe, expect, it } from 'vitest';
import type { Fault, ShardCommit, StoreCall } from '#persistence';
import {
  complete,
  DOMAIN,
  kindsOf,
  openRegion,
  pollDecision,
  type Region,
  readHistory,
  scheduleActivity,
  start,
  startRequest,
  startTimer,
} from './fixture.ts';

const ORDER = { domainId: DOMAIN, workflowId: 'order-1', runId: '' };
const signal = (requestId: string) => ({ signalName: 's', identity: 'client', requestId });

/** A plan that can be switched on, and that counts the commits it sees. */
function faultPlan() {
  const plan = {
    next: [] as Fault[],
    commits: [] as ShardCommit[],
    decide(call: StoreCall): Fault | undefined {
      if (call.port !== 'shards' || call.method !== 'commit') return undefined;
      plan.commits.push(call.args[2] as ShardCommit);
      return plan.next.shift();
    },
  };
  return plan;
}

/** The outcome of a call as text, with what the store holds at that time. */
const outcome = (region: Region, call: Promise<unknown>): Promise<string> =>
  region.settled(
    call.then(
      () => 'done',
      (error: Error) => error.name,
    ),
  );

describe('group commit', () => {
  it('folds the commands that arrive while a commit is in flight into one, with one row per run', async () => {
    const plan = faultPlan();
    const region = await openRegion({ faults: plan.decide, options: { shardCount: 1 } });
    await start(region);
    await region.advance(50);
    plan.commits = [];
    plan.next = [{ delayMs: 20 }];
    const first = region.history.signalWorkflow(ORDER, signal('a'));
    await region.env.advance(1);
    const rest = ['b', 'c', 'd'].map((id) => region.history.signalWorkflow(ORDER, signal(id)));
    await region.settled(Promise.all([first, ...rest]));
    expect(plan.commits).toHaveLength(2);
    expect(plan.commits[1]!.executions).toHaveLength(1);
    expect(plan.commits[1]!.executions[0]!.addedSignalRequestIds).toEqual(['b', 'c', 'd']);
    expect(plan.commits[1]!.nodes).toHaveLength(3);
  });

  it('answers only after the commit, and readers of uncommitted state wait with it', async () => {
    const plan = faultPlan();
    const region = await openRegion({ faults: plan.decide });
    await start(region);
    await region.advance(50);
    plan.next = [{ delayMs: 1_000 }];
    const order: string[] = [];
    const signalled = region.history.signalWorkflow(ORDER, signal('a')).then(() => order.push('signal'));
    await region.env.settle();
    const described = region.history.describeWorkflow(ORDER).then(() => order.push('describe'));
    const refused = region.history
      .startWorkflow(startRequest({ requestId: 'other' }), { domainId: DOMAIN })
      .catch(() => order.push('refused'));
    await region.env.advance(900);
    expect(order).toEqual([]);
    await region.env.advance(200);
    await Promise.all([signalled, described, refused]);
    expect(order.sort()).toEqual(['describe', 'refused', 'signal']);
  });

  it('refuses more work than it may hold', async () => {
    const plan = faultPlan();
    const region = await openRegion({ faults: plan.decide, options: { queuedCommandsMax: 2, shardCount: 1 } });
    await start(region);
    await region.advance(50);
    plan.next = [{ delayMs: 1_000 }];
    const calls = ['a', 'b', 'c', 'd', 'e'].map((id) =>
      region.history.signalWorkflow(ORDER, signal(id)).then(
        () => 'done',
        (error: Error) => error.name,
      ),
    );
    const answers = await region.settled(Promise.all(calls));
    expect(answers.filter((answer) => answer === 'ServiceBusy').length).toBeGreaterThan(0);
    expect((await readHistory(region)).filter((kind) => kind === 'workflowExecutionSignaled')).toHaveLength(
      answers.filter((answer) => answer === 'done').length,
    );
  });
});

describe('a commit that fails', () => {
  it('with an unknown outcome is never a success, and a retry with its request id happens once', async () => {
    for (const fail of ['after', 'never'] as const) {
      const plan = faultPlan();
      const region = await openRegion({ faults: plan.decide });
      await start(region);
      await region.advance(50);
      plan.next = [{ fail }];
      expect(await outcome(region, region.history.signalWorkflow(ORDER, signal('a')))).toBe('Unavailable');
      expect(await outcome(region, region.history.signalWorkflow(ORDER, signal('a')))).toBe('done');
      const kinds = await readHistory(region);
      expect(kinds.filter((kind) => kind === 'workflowExecutionSignaled')).toHaveLength(1);
    }
  });

  it('certainly leaves no trace in memory', async () => {
    const plan = faultPlan();
    const region = await openRegion({ faults: plan.decide });
    await start(region);
    await region.advance(50);
    plan.next = [{ fail: 'before' }];
    expect(await outcome(region, region.history.signalWorkflow(ORDER, signal('a')))).toBe('Unavailable');
    expect(await readHistory(region)).toEqual(['workflowExecutionStarted', 'decisionTaskScheduled']);
  });

  it('fails every call of the groups behind it', async () => {
    const plan = faultPlan();
    const region = await openRegion({ faults: plan.decide, options: { shardCount: 1 } });
    await start(region);
    await region.advance(50);
    plan.next = [{ delayMs: 20, fail: 'before' }];
    const first = outcome(region, region.history.signalWorkflow(ORDER, signal('a')));
    await region.env.advance(1);
    const second = outcome(region, region.history.signalWorkflow(ORDER, signal('b')));
    expect(await Promise.all([first, second])).toEqual(['Unavailable', 'Unavailable']);
  });
});

describe('a shard that another host took', () => {
  it('writes nothing more and is acquired again', async () => {
    const region = await openRegion({ options: { shardCount: 1 } });
    await start(region);
    await region.advance(50);
    const taken = region.store.shards.acquireShard(0, 'thief', region.env.clock.nowMs());
    await region.env.advance(0);
    await taken;
    expect(await outcome(region, region.history.signalWorkflow(ORDER, signal('a')))).toMatch('ShardOwnershipLost');
    expect(await outcome(region, region.history.signalWorkflow(ORDER, signal('a')))).toBe('done');
    expect((await readHistory(region)).filter((kind) => kind === 'workflowExecutionSignaled')).toHaveLength(1);
  });

  it('refuses nothing as its old owner: what that one does not know may have happened', async () => {
    const old = await openRegion({ options: { shardCount: 1 } });
    await start(old);
    const first = await pollDecision(old);
    // The old owner has no reason to write, so nothing tells it.
    const owner = await openRegion({ env: old.env, image: old.image, options: { shardCount: 1 } });
    await complete(owner, first.ref, [startTimer('t', 60)]);
    await owner.settled(owner.history.signalWorkflow(ORDER, signal('a')));
    await owner.advance();
    const [task] = owner.matching.decisions;
    const request = { requestId: 'poll', identity: 'worker', taskList: task!.taskList };
    expect(await outcome(old, old.history.recordDecisionTaskStarted(task!, request))).toBe('ShardOwnershipLost');
  });

  it('refuses as its owner what does not exist', async () => {
    const region = await openRegion();
    expect(await outcome(region, region.history.signalWorkflow(ORDER, signal('a')))).toBe('EntityNotExists');
  });
});

describe('after a crash', () => {
  it('tasks that were not handed over are handed over again', async () => {
    const region = await openRegion();
    region.matching.onDecision = () => new Promise(() => {});
    await start(region);
    await region.advance(50);
    const next = await region.restart();
    await next.advance(50);
    expect(next.matching.decisions).toMatchObject([{ workflowId: 'order-1' }]);
    await pollDecision(next);
  });

  it('timers fire, those that were due meanwhile at once', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    await complete(region, first.ref, [startTimer('soon', 10), startTimer('late', 600)]);
    region.store.crash();
    await region.env.advance(30_000);
    const next = await region.restart();
    await next.advance(1_000);
    expect((await readHistory(next)).filter((kind) => kind === 'timerFired')).toHaveLength(1);
    await next.advance(600_000);
    expect((await readHistory(next)).filter((kind) => kind === 'timerFired')).toHaveLength(2);
  });

  it('finished tasks do not come back once their ack level is saved', async () => {
    const region = await openRegion();
    await start(region);
    await region.advance(20_000);
    const next = await region.restart();
    await next.advance(1_000);
    expect(next.matching.decisions).toHaveLength(0);
    expect(next.history.shardStatus().every(({ unfinishedTransferTasks }) => unfinishedTransferTasks === 0)).toBe(true);
  });

  it('the history goes on where it was, from the store', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    await complete(region, first.ref, [scheduleActivity('pay')]);
    await region.advance();
    const activity = region.matching.activities.shift()!;
    const next = await region.restart();
    const started = await next.settled(
      next.history.recordActivityTaskStarted(activity, { requestId: 'r', identity: 'worker' }),
    );
    expect(Buffer.from(started.task.input!.data).toString()).toBe('42');
    await next.settled(
      next.history.respondActivityTaskCompleted(
        { ...ORDER, activityId: 'pay' },
        { result: { data: Buffer.from('paid') }, identity: 'worker' },
      ),
    );
    const second = await pollDecision(next);
    expect(kindsOf(second.historyBlobs)).toHaveLength(9);
  });
});

describe('a stop', () => {
  it('makes what was accepted durable before it ends', async () => {
    const plan = faultPlan();
    const region = await openRegion({ faults: plan.decide });
    await start(region);
    await region.advance(50);
    plan.next = [{ delayMs: 500 }];
    const signalled = outcome(region, region.history.signalWorkflow(ORDER, signal('a')));
    await region.env.advance(1);
    await region.settled(region.history.stop());
    expect(await signalled).toBe('done');
    const next = await region.restart();
    expect((await readHistory(next)).at(-1)).toBe('workflowExecutionSignaled');
  });

  it('ends also when the commit in flight fails, and when the store hangs', async () => {
    for (const fault of [{ delayMs: 100, fail: 'before' as const }, { delayMs: 3_600_000 }]) {
      const plan = faultPlan();
      const region = await openRegion({ faults: plan.decide });
      await start(region);
      await region.advance(50);
      plan.next = [fault];
      const signalled = outcome(region, region.history.signalWorkflow(ORDER, signal('a')));
      await region.env.advance(1);
      await region.settled(region.history.stop());
      expect(await signalled).toBe('Unavailable');
    }
  });
});
