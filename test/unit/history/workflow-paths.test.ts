// The ordinary life of a workflow through the service: start, decisions, activities, timers, signals, close.
import { describe, expect, it } from 'vitest';
import {
  complete,
  completeWorkflow,
  DOMAIN,
  eventsOf,
  kindsOf,
  openRegion,
  pollDecision,
  readHistory,
  scheduleActivity,
  start,
  startTimer,
} from './fixture.ts';

const ORDER = { domainId: DOMAIN, workflowId: 'order-1', runId: '' };

describe('a workflow', () => {
  it('runs a decision, an activity and closes, and its history is whole', async () => {
    const region = await openRegion();
    const { runId } = await start(region);
    const first = await pollDecision(region);
    expect(first.response.workflowExecution).toEqual({ workflowId: 'order-1', runId });
    expect(kindsOf(first.historyBlobs)).toEqual([
      'workflowExecutionStarted',
      'decisionTaskScheduled',
      'decisionTaskStarted',
    ]);
    expect(first.response.previousStartedEventId).toBeUndefined();
    await complete(region, first.ref, [scheduleActivity('pay')]);
    await region.advance();
    const activity = region.matching.activities.shift();
    const started = await region.settled(
      region.history.recordActivityTaskStarted(activity!, { requestId: 'r', identity: 'worker' }),
    );
    expect(started.task.activityId).toBe('pay');
    expect(Buffer.from(started.task.input!.data).toString()).toBe('42');
    await region.settled(
      region.history.respondActivityTaskCompleted(
        { ...ORDER, runId, scheduleId: activity!.scheduleId, attempt: 0 },
        { result: { data: Buffer.from('paid') }, identity: 'worker' },
      ),
    );
    const second = await pollDecision(region);
    expect(second.response.previousStartedEventId).toBe(3n);
    await complete(region, second.ref, [completeWorkflow()]);
    expect(await readHistory(region)).toEqual([
      'workflowExecutionStarted',
      'decisionTaskScheduled',
      'decisionTaskStarted',
      'decisionTaskCompleted',
      'activityTaskScheduled',
      'activityTaskStarted',
      'activityTaskCompleted',
      'decisionTaskScheduled',
      'decisionTaskStarted',
      'decisionTaskCompleted',
      'workflowExecutionCompleted',
    ]);
    await region.advance(100);
    const { records } = await region.visibility.list(DOMAIN, { kind: 'query', query: '' }, { size: 10 });
    expect(records).toMatchObject([{ workflowId: 'order-1', closeStatus: 1, historyLength: 11 }]);
    await region.settled(region.history.stop());
  });

  it('gives a sticky worker only the events it has not seen', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    const stickyAttributes = {
      workerTaskList: { name: 'sticky-1', kind: 2 as const, baseName: 'orders' },
      scheduleToStartTimeout: { seconds: 5n, nanos: 0 },
    };
    await complete(region, first.ref, [startTimer('t', 60)], { stickyAttributes });
    await region.settled(
      region.history.signalWorkflow(ORDER, { signalName: 's', identity: 'client', requestId: 'sig-1' }),
    );
    await region.advance();
    expect(region.matching.decisions[0]!.taskList.name).toBe('sticky-1');
    const second = await pollDecision(region);
    expect(kindsOf(second.historyBlobs)).toEqual([
      'decisionTaskCompleted',
      'timerStarted',
      'workflowExecutionSignaled',
      'decisionTaskScheduled',
      'decisionTaskStarted',
    ]);
    await region.settled(region.history.stop());
  });

  it('fires its timer once, at its time', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    await complete(region, first.ref, [startTimer('t', 120)]);
    await region.advance(119_000);
    expect(region.matching.decisions).toHaveLength(0);
    await region.advance(2_000);
    expect(region.matching.decisions).toHaveLength(1);
    expect((await readHistory(region)).slice(-2)).toEqual(['timerFired', 'decisionTaskScheduled']);
    await region.advance(300_000);
    expect((await readHistory(region)).filter((kind) => kind === 'timerFired')).toHaveLength(1);
    await region.settled(region.history.stop());
  });

  it('takes a repeated signal once', async () => {
    const region = await openRegion();
    await start(region);
    const signal = { signalName: 's', identity: 'client', requestId: 'sig-1' };
    await region.settled(region.history.signalWorkflow(ORDER, signal));
    await region.settled(region.history.signalWorkflow(ORDER, signal));
    expect((await readHistory(region)).filter((kind) => kind === 'workflowExecutionSignaled')).toHaveLength(1);
    await region.settled(region.history.stop());
  });

  it('moves a decision to the normal list when its sticky worker is gone', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    const stickyAttributes = {
      workerTaskList: { name: 'sticky-1', kind: 2 as const, baseName: 'orders' },
      scheduleToStartTimeout: { seconds: 5n, nanos: 0 },
    };
    await complete(region, first.ref, [], { stickyAttributes });
    const { stickyWorkerUnavailable } = await import('#base');
    region.matching.onDecision = async (task) => {
      if (task.taskList.name === 'sticky-1') throw stickyWorkerUnavailable();
    };
    await region.settled(
      region.history.signalWorkflow(ORDER, { signalName: 's', identity: 'client', requestId: 'sig-1' }),
    );
    await region.advance(20);
    expect(region.matching.decisions.map(({ taskList }) => taskList.name)).toEqual(['orders']);
    const second = await pollDecision(region);
    expect(eventsOf(second.historyBlobs)[0]!.eventId).toBe(1n);
    await region.settled(region.history.stop());
  });

  it('is described with what is pending', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    await complete(region, first.ref, [scheduleActivity('pay')]);
    const described = await region.settled(region.history.describeWorkflow(ORDER));
    expect(described.pendingActivities).toMatchObject([{ activityId: 'pay', state: 1 }]);
    expect(described.workflowExecutionInfo?.historyLength).toBe(5n);
    expect(described.pendingDecision).toBeUndefined();
    await region.settled(region.history.stop());
  });
});
