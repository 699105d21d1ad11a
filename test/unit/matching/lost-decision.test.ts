// A worker that hangs up after history started a decision for it, and before it has it: matching, which asked history, gives it back.
import { DecisionTaskFailedCause, WorkflowQuery } from '@antiphon/proto';
import { expect, test } from 'vitest';
import { EntityNotExistsError, unavailable } from '#base';
import { createSimulatedEnv, quietLogger, sleep } from '#env';
import { addDecision, createHarness, DOMAIN_ID, decisionPoll, type Harness, listOf, runIdOf } from './harness.ts';

/** A worker polls and hangs up 50 ms later, or stays, while history takes 100 ms to start its decision. */
async function polled(h: Harness, { hangsUp }: { hangsUp: boolean }) {
  h.history.after = () => sleep(h.env.scheduler, 100);
  const caller = new AbortController();
  const answer = h.matching.pollForDecisionTask(decisionPoll(listOf(), 'worker-1'), { signal: caller.signal });
  await h.env.settle();
  const added = addDecision(h, 'run-1');
  await h.env.advance(50);
  if (hangsUp) caller.abort();
  await h.env.advance(100);
  await added;
  return await answer;
}

test('the decision fails at once, so that another worker has it', async () => {
  const h = await createHarness();
  expect(runIdOf(await polled(h, { hangsUp: true }))).toBe('');
  expect(h.history.failed).toMatchObject([
    [
      { domainId: DOMAIN_ID, workflowId: 'wf-run-1', runId: 'run-1', scheduleId: 2, attempt: 1 },
      { cause: DecisionTaskFailedCause.DECISION_TASK_FAILED_CAUSE_RESET_STICKY_TASK_LIST, identity: 'worker-1' },
    ],
  ]);
});

test('a worker that stays keeps its decision', async () => {
  const h = await createHarness();
  expect(runIdOf(await polled(h, { hangsUp: false }))).toBe('run-1');
  expect(h.history.failed).toEqual([]);
});

test('a poll that found nothing and a query leave history alone', async () => {
  const h = await createHarness();
  const caller = new AbortController();
  const poll = h.matching.pollForDecisionTask(decisionPoll(), { signal: caller.signal });
  await h.env.settle();
  caller.abort();
  expect(runIdOf(await poll)).toBe('');

  const again = new AbortController();
  const asked = h.matching.pollForDecisionTask(decisionPoll(), { signal: again.signal });
  await h.env.settle();
  const run = { domainId: DOMAIN_ID, workflowId: 'w', runId: 'r' };
  const query = WorkflowQuery.fromPartial({ queryType: 'state' });
  const answered = expect(
    h.matching.queryWorkflow({ run, taskList: listOf(), query }, { deadlineMs: h.env.clock.nowMs() + 500 }),
  ).rejects.toThrow('no worker answered the query in time');
  again.abort();
  await asked;
  await h.env.advance(1_000);
  await answered;
  expect(h.history.failed).toEqual([]);
});

test.each([
  ['is no longer there', new EntityNotExistsError('Decision task not found.'), 0],
  ['cannot be reached', unavailable('history is down'), 1],
])('a decision whose run %s is left to its timeout', async (_what, error, warnings) => {
  const warned: string[] = [];
  const logger = { ...quietLogger, warn: (message: string) => void warned.push(message) };
  const h = await createHarness({}, { env: createSimulatedEnv({ seed: 1, logger }) });
  h.history.onFailed = () => {
    throw error;
  };
  expect(runIdOf(await polled(h, { hangsUp: true }))).toBe('');
  expect(warned).toHaveLength(warnings);
});
