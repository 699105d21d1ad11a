// One running run per workflow id, whoever asks, however often.
import { WorkflowIdReusePolicy } from '@antiphon/proto';
import { describe, expect, it } from 'vitest';
import {
  complete,
  completeWorkflow,
  DOMAIN,
  openRegion,
  pollDecision,
  readHistory,
  start,
  startRequest,
} from './fixture.ts';

const { WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE, WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING } =
  WorkflowIdReusePolicy;

describe('starting a workflow', () => {
  it('gives concurrent starts with one request id the same run', async () => {
    const region = await openRegion();
    const calls = Array.from({ length: 5 }, () => region.history.startWorkflow(startRequest(), { domainId: DOMAIN }));
    const answers = await region.settled(Promise.all(calls));
    expect(new Set(answers.map(({ runId }) => runId)).size).toBe(1);
    expect(await readHistory(region)).toEqual(['workflowExecutionStarted', 'decisionTaskScheduled']);
  });

  it('lets one of several racing starts win', async () => {
    const region = await openRegion();
    const calls = Array.from({ length: 5 }, (_, index) =>
      region.history.startWorkflow(startRequest({ requestId: `request-${index}` }), { domainId: DOMAIN }).then(
        () => 'started',
        (error: Error) => error.name,
      ),
    );
    const answers = await region.settled(Promise.all(calls));
    expect(answers.sort()).toEqual([...Array(4).fill('WorkflowExecutionAlreadyStarted'), 'started']);
  });

  it('reuses the id of a closed run when the policy says so, also after a restart', async () => {
    const region = await openRegion();
    const { runId } = await start(region);
    const task = await pollDecision(region);
    await complete(region, task.ref, [completeWorkflow()]);
    await expect(start(region, { requestId: 'request-2' })).rejects.toThrow('already finished successfully');
    const next = await region.restart();
    const policy = { workflowIdReusePolicy: WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE };
    const again = await start(next, { requestId: 'request-2', ...policy });
    expect(again.runId).not.toBe(runId);
    expect((await start(next, { requestId: 'request-2', ...policy })).runId).toBe(again.runId);
  });

  it('terminates the running run and starts in one commit', async () => {
    const region = await openRegion();
    const { runId } = await start(region);
    const policy = { workflowIdReusePolicy: WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING };
    const again = await start(region, { requestId: 'request-2', ...policy });
    expect((await readHistory(region, 'order-1', runId)).at(-1)).toBe('workflowExecutionTerminated');
    expect(await readHistory(region, 'order-1', again.runId)).toHaveLength(2);
    expect(
      (await region.settled(region.history.describeWorkflow({ domainId: DOMAIN, workflowId: 'order-1', runId: '' })))
        .workflowExecutionInfo?.workflowExecution?.runId,
    ).toBe(again.runId);
  });

  it('signals the running run, or starts one with the signal', async () => {
    const region = await openRegion();
    const signal = { signalName: 's' };
    const first = await region.settled(region.history.signalWithStart(startRequest(), signal, DOMAIN));
    const second = await region.settled(
      region.history.signalWithStart(startRequest({ requestId: 'request-2' }), signal, DOMAIN),
    );
    const repeated = await region.settled(
      region.history.signalWithStart(startRequest({ requestId: 'request-2' }), signal, DOMAIN),
    );
    expect([second.runId, repeated.runId]).toEqual([first.runId, first.runId]);
    expect(await readHistory(region)).toEqual([
      'workflowExecutionStarted',
      'workflowExecutionSignaled',
      'decisionTaskScheduled',
      'workflowExecutionSignaled',
    ]);
  });
});
