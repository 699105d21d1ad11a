// Runs that start, stop and continue others: children, external signals and cancels, continue-as-new, reset, retention.
import {
  ChildWorkflowExecutionFailedCause,
  type Decision,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
} from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import type { Archiver, ClosedRun } from '#archival';
import { DomainNotActiveError } from '#base';
import {
  complete,
  completeWorkflow,
  DOMAIN,
  eventsOf,
  kindsOf,
  openRegion,
  pollDecision,
  type Region,
  readHistory,
  scheduleActivity,
  start,
  startTimer,
} from './fixture.ts';

const ORDER = { domainId: DOMAIN, workflowId: 'order-1', runId: '' };

const startChild = (workflowId: string, parentClosePolicy: ParentClosePolicy): Decision => ({
  attributes: {
    $case: 'startChildWorkflowExecutionDecisionAttributes',
    value: {
      domain: '',
      workflowId,
      workflowType: { name: 'Child' },
      taskList: { name: 'children', kind: 1, baseName: '' },
      executionStartToCloseTimeout: { seconds: 100n, nanos: 0 },
      taskStartToCloseTimeout: { seconds: 10n, nanos: 0 },
      parentClosePolicy,
      control: Buffer.alloc(0),
      workflowIdReusePolicy: WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
      cronSchedule: '',
      cronOverlapPolicy: 0,
    },
  },
});

const { PARENT_CLOSE_POLICY_ABANDON, PARENT_CLOSE_POLICY_TERMINATE } = ParentClosePolicy;

async function pollOf(region: Region, workflowId: string) {
  await region.advance(20);
  const tasks = region.matching.decisions;
  const index = tasks.findIndex((task) => task.workflowId === workflowId);
  if (index < 0) throw new Error(`no decision task of ${workflowId}`);
  tasks.unshift(...tasks.splice(index, 1));
  return pollDecision(region);
}

describe('a child', () => {
  it('runs after its parent knows of it, and its parent hears of its end', async () => {
    const region = await openRegion();
    await start(region);
    await complete(region, (await pollDecision(region)).ref, [startChild('child-1', PARENT_CLOSE_POLICY_TERMINATE)]);
    const child = await pollOf(region, 'child-1');
    expect(kindsOf(child.historyBlobs)).toEqual([
      'workflowExecutionStarted',
      'decisionTaskScheduled',
      'decisionTaskStarted',
    ]);
    await complete(region, child.ref, [completeWorkflow()]);
    await region.advance(50);
    const kinds = await readHistory(region);
    expect(kinds).toContain('childWorkflowExecutionStarted');
    expect(kinds).toContain('childWorkflowExecutionCompleted');
  });

  it('ends with its parent when the policy says so', async () => {
    const region = await openRegion();
    await start(region);
    await complete(region, (await pollDecision(region)).ref, [
      startChild('child-1', PARENT_CLOSE_POLICY_TERMINATE),
      startChild('child-2', PARENT_CLOSE_POLICY_ABANDON),
    ]);
    await region.advance(50);
    await complete(region, (await pollOf(region, 'order-1')).ref, [completeWorkflow()]);
    await region.advance(100);
    expect((await readHistory(region, 'child-1')).at(-1)).toBe('workflowExecutionTerminated');
    expect((await readHistory(region, 'child-2')).at(-1)).not.toBe('workflowExecutionTerminated');
  });

  it('whose id is taken fails to start', async () => {
    const region = await openRegion();
    await start(region, { workflowId: 'child-1', requestId: 'other' });
    await start(region);
    await complete(region, (await pollOf(region, 'order-1')).ref, [
      startChild('child-1', PARENT_CLOSE_POLICY_TERMINATE),
    ]);
    const parent = await pollOf(region, 'order-1');
    const failed = eventsOf(parent.historyBlobs).find(
      ({ attributes }) => attributes?.$case === 'startChildWorkflowExecutionFailedEventAttributes',
    );
    expect(failed?.attributes?.value).toMatchObject({
      cause: ChildWorkflowExecutionFailedCause.CHILD_WORKFLOW_EXECUTION_FAILED_CAUSE_WORKFLOW_ALREADY_RUNNING,
    });
  });
});

describe('another workflow', () => {
  const target = { workflowId: 'order-2', runId: '' };
  const signalOther: Decision = {
    attributes: {
      $case: 'signalExternalWorkflowExecutionDecisionAttributes',
      value: {
        domain: '',
        workflowExecution: target,
        signalName: 'hello',
        control: Buffer.alloc(0),
        childWorkflowOnly: false,
      },
    },
  };
  const cancelOther: Decision = {
    attributes: {
      $case: 'requestCancelExternalWorkflowExecutionDecisionAttributes',
      value: { domain: '', workflowExecution: target, control: Buffer.alloc(0), childWorkflowOnly: false },
    },
  };

  it('is signalled and cancelled once', async () => {
    const region = await openRegion();
    await start(region, { workflowId: 'order-2', requestId: 'r2' });
    await start(region);
    await complete(region, (await pollOf(region, 'order-1')).ref, [signalOther, cancelOther]);
    await region.advance(50);
    const kinds = await readHistory(region, 'order-2');
    expect(kinds.filter((kind) => kind === 'workflowExecutionSignaled')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'workflowExecutionCancelRequested')).toHaveLength(1);
    const own = await readHistory(region);
    expect(own).toContain('externalWorkflowExecutionSignaled');
    expect(own).toContain('externalWorkflowExecutionCancelRequested');
  });

  it('that is active nowhere for a while, as in a failover, is asked again', async () => {
    let refusals = 3;
    const region: Region = await openRegion({
      deps: {
        client: () => ({
          ...region.history,
          async signalWorkflow(run, request) {
            if (refusals-- > 0) throw new DomainNotActiveError('shop', 'a', 'b');
            return region.history.signalWorkflow(run, request);
          },
        }),
      },
    });
    await start(region, { workflowId: 'order-2', requestId: 'r2' });
    await start(region);
    await complete(region, (await pollOf(region, 'order-1')).ref, [signalOther]);
    await region.advance(30_000);
    expect(refusals).toBe(-1);
    expect(await readHistory(region, 'order-2')).toContain('workflowExecutionSignaled');
    expect(await readHistory(region)).toContain('externalWorkflowExecutionSignaled');
  });

  it('that does not exist is reported as unknown', async () => {
    const region = await openRegion();
    await start(region);
    await complete(region, (await pollDecision(region)).ref, [signalOther, cancelOther]);
    await region.advance(50);
    const own = await readHistory(region);
    expect(own).toContain('signalExternalWorkflowExecutionFailed');
    expect(own).toContain('requestCancelExternalWorkflowExecutionFailed');
  });
});

describe('a run', () => {
  it('continues as new in one commit, with the new run as the current one', async () => {
    const region = await openRegion();
    const { runId } = await start(region);
    const decision: Decision = {
      attributes: {
        $case: 'continueAsNewWorkflowExecutionDecisionAttributes',
        value: {
          workflowType: { name: 'Order' },
          taskList: { name: 'orders', kind: 1, baseName: '' },
          executionStartToCloseTimeout: { seconds: 100n, nanos: 0 },
          taskStartToCloseTimeout: { seconds: 10n, nanos: 0 },
          initiator: 1,
          cronSchedule: '',
          cronOverlapPolicy: 0,
        },
      },
    };
    await complete(region, (await pollDecision(region)).ref, [decision]);
    const next = await pollDecision(region);
    expect(next.response.workflowExecution?.runId).not.toBe(runId);
    expect(await readHistory(region)).toHaveLength(3);
    expect((await readHistory(region, 'order-1', runId)).at(-1)).toBe('workflowExecutionContinuedAsNew');
  });

  it('goes on by its cron schedule', async () => {
    const region = await openRegion();
    await start(region, { cronSchedule: '@every 60s' });
    await region.advance(61_000);
    await complete(region, (await pollDecision(region)).ref, [completeWorkflow()]);
    await region.advance(61_000);
    const second = await pollDecision(region);
    const started = eventsOf(second.historyBlobs)[0]?.attributes;
    expect(started?.value).toMatchObject({ initiator: 3, cronSchedule: '@every 60s' });
  });

  it('is reset to a decision, keeps its signals, and the old run ends', async () => {
    const region = await openRegion();
    const { runId } = await start(region);
    await complete(region, (await pollDecision(region)).ref, [startTimer('t', 600)]);
    await region.settled(region.history.signalWorkflow(ORDER, { signalName: 's', identity: 'c', requestId: 'a' }));
    const request = { reason: 'bad deploy', decisionFinishEventId: 4, requestId: 'reset-1', skipSignalReapply: false };
    const reset = await region.settled(region.history.resetWorkflow({ ...ORDER, runId }, request));
    expect((await region.settled(region.history.resetWorkflow({ ...ORDER, runId }, request))).runId).toBe(reset.runId);
    expect(await readHistory(region, 'order-1', reset.runId)).toEqual([
      'workflowExecutionStarted',
      'decisionTaskScheduled',
      'decisionTaskStarted',
      'decisionTaskFailed',
      'workflowExecutionSignaled',
      'decisionTaskScheduled',
    ]);
    expect((await readHistory(region, 'order-1', runId)).at(-1)).toBe('workflowExecutionTerminated');
    region.matching.decisions = region.matching.decisions.filter((task) => task.runId === reset.runId);
    const task = await pollDecision(region);
    await complete(region, task.ref, [completeWorkflow()]);
    await expect(
      region.settled(
        region.history.resetWorkflow({ ...ORDER, runId }, { ...request, requestId: 'x', decisionFinishEventId: 1 }),
      ),
    ).rejects.toThrow('Decision finish ID');
    const next = await region.restart();
    expect((await readHistory(next, 'order-1', reset.runId)).at(-1)).toBe('workflowExecutionCompleted');
  });

  it('is archived before retention deletes it', async () => {
    const archived: ClosedRun[] = [];
    let isBroken = true;
    const archiver = {
      async archive(run: ClosedRun) {
        if (isBroken) throw new Error('the archive is down');
        for await (const _ of run.readBatches());
        archived.push(run);
      },
    } as unknown as Archiver;
    const region = await openRegion({ deps: { archiver }, archives: true });
    const { runId } = await start(region);
    await complete(region, (await pollDecision(region)).ref, [completeWorkflow()]);
    await region.advance(86_400_000 * 2);
    expect((await readHistory(region, 'order-1', runId)).length).toBe(5);
    isBroken = false;
    await region.advance(60_000);
    expect(archived[0]).toMatchObject({ workflowId: 'order-1', runId, historyUri: 'file:///archive' });
    await expect(readHistory(region, 'order-1', runId)).rejects.toThrow('Workflow execution not found');
    expect(region.image.trees.size).toBe(0);
    const { records } = await region.visibility.list(DOMAIN, { kind: 'query', query: '' }, { size: 10 });
    expect(records).toEqual([]);
    const again = await start(region, { requestId: 'request-2' });
    expect(again.runId).not.toBe(runId);
  });

  it('is terminated by its chain, not by another one', async () => {
    const region = await openRegion();
    const { runId } = await start(region);
    const request = { reason: 'r', identity: 'c' };
    await expect(
      region.settled(region.history.terminateWorkflow(ORDER, { ...request, firstExecutionRunId: 'another' })),
    ).rejects.toThrow('Workflow execution not found');
    await region.settled(region.history.terminateWorkflow(ORDER, { ...request, firstExecutionRunId: runId }));
    await expect(
      region.settled(region.history.terminateWorkflow(ORDER, { ...request, firstExecutionRunId: '' })),
    ).rejects.toThrow('already completed');
  });

  it('times out activities by its timers, and retries nothing that has no policy', async () => {
    const region = await openRegion();
    await start(region);
    await complete(region, (await pollDecision(region)).ref, [scheduleActivity('pay')]);
    await region.advance(51_000);
    expect(await readHistory(region)).toContain('activityTaskTimedOut');
  });
});
