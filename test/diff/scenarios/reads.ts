// Reading runs: histories by page, by filter and by waiting, descriptions, and the faults of these requests.
import type { GetWorkflowExecutionHistoryRequest } from '@antiphon/proto';
import { HistoryPageToken } from '@antiphon/proto/internal';
import { activity, bytes, complete, continueAsNew, payload, seconds, timer } from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import { eventName } from '../transcript.ts';
import type { CallOptions, Loose } from '../wire.ts';

type Read = Loose<GetWorkflowExecutionHistoryRequest>;
const CLOSE_EVENT = 2;

/** Reads one page and records which events it has. */
async function page(p: Player, run: Partial<RunRef>, more: Read = {}, options: CallOptions = {}): Promise<Uint8Array> {
  const { answer, error } = await p.quiet.workflow.getWorkflowExecutionHistory(
    { domain: p.domain, workflowExecution: run, ...more },
    { timeoutMs: 10_000, ...options },
  );
  if (error !== undefined) p.show('GetWorkflowExecutionHistory', { error });
  else {
    const { history, ...rest } = answer;
    p.note('GetWorkflowExecutionHistory', { ...rest, events: history?.events.map(eventName) });
  }
  return answer?.nextPageToken ?? new Uint8Array();
}

/** As if conflict resolution had put another branch in place since: the version of the last event that its holder has seen is none of the run's. */
function ofAnotherBranch(token: Uint8Array): Uint8Array {
  const text = Buffer.from(token).toString();
  const item = { eventId: 1, version: 4711 };
  if (!text.startsWith('{')) {
    const ours = HistoryPageToken.decode(token);
    return HistoryPageToken.encode({ ...ours, versionHistoryItem: item }).finish();
  }
  const theirs = JSON.parse(text) as Record<string, unknown>;
  // Only who has read to the end waits, and only then the branch is looked at.
  return bytes(
    JSON.stringify({
      ...theirs,
      PersistenceToken: null,
      VersionHistoryItem: { eventID: item.eventId, version: item.version },
    }),
  );
}

const faults: Readonly<Record<string, Read>> = {
  'without a domain': { domain: '' },
  'of an unknown domain': { domain: 'diff-unknown' },
  'without an execution': { workflowExecution: undefined },
  'without a workflow id': { workflowExecution: { workflowId: '' } },
  'of a run id that is none': { workflowExecution: { workflowId: 'w', runId: 'no' } },
  'of an unknown workflow': { workflowExecution: { workflowId: 'no-such-workflow' } },
  'of an unknown run': { workflowExecution: { workflowId: 'w', runId: '11111111-2222-4333-8444-555555555555' } },
  'with a page token that is none': { nextPageToken: bytes('garbage') },
  'with an unknown filter': { historyEventFilterType: 9 as never },
  'with a page size below zero': { pageSize: -1 },
  'with a page size over the most': { pageSize: 100_000 },
};

scenariosOf(
  'history',
  Object.fromEntries(
    Object.entries(faults).map(([behaviour, fault]) => [
      behaviour,
      async (p) => {
        const run = await p.start();
        await page(p, run, fault);
      },
    ]),
  ),
);

scenariosOf('history', {
  'of a running workflow': async (p) => {
    const run = await p.start();
    await page(p, run);
    await page(p, { workflowId: run.workflowId });
  },
  'by pages': async (p) => {
    const run = await p.start();
    await p.turn([timer('a', 50), timer('b', 50), timer('c', 50)]);
    await p.signal(run, 'go');
    await p.turn([complete()]);
    // How many events a page has is the store's affair: together they are the history.
    for (const pageSize of [1, 2, 5]) {
      const events: string[] = [];
      let nextPageToken: Uint8Array = new Uint8Array();
      do {
        const { answer } = await p.quiet.workflow.getWorkflowExecutionHistory({
          domain: p.domain,
          workflowExecution: run,
          pageSize,
          nextPageToken,
        });
        events.push(...(answer?.history?.events.map(eventName) ?? []));
        nextPageToken = answer?.nextPageToken ?? new Uint8Array();
      } while (nextPageToken.length > 0);
      p.note(`pages of ${pageSize}`, events);
    }
  },
  'by pages, the run id left out after the first': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    const nextPageToken = await page(p, run, { pageSize: 1 });
    await page(p, { workflowId: run.workflowId }, { pageSize: 1, nextPageToken });
    await page(p, { ...run, runId: p.uuid('other') }, { pageSize: 1, nextPageToken });
  },
  'the close event of a closed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    await page(p, run, { historyEventFilterType: CLOSE_EVENT });
    await page(p, run, { historyEventFilterType: CLOSE_EVENT, waitForNewEvent: true });
  },
  'the close event of a running workflow': async (p) => {
    const run = await p.start();
    await page(p, run, { historyEventFilterType: CLOSE_EVENT });
  },
  'waits for the close event': async (p) => {
    const run = await p.start();
    const waiting = page(p, run, { historyEventFilterType: CLOSE_EVENT, waitForNewEvent: true });
    await p.sleep(500);
    const task = await p.quiet.worker.pollForDecisionTask({
      domain: p.domain,
      taskList: { name: p.id('tl') },
      identity: 'worker',
    });
    await p.quiet.worker.respondDecisionTaskCompleted({
      taskToken: task.answer?.taskToken ?? bytes(''),
      decisions: [{ attributes: complete() }],
    });
    let nextPageToken = await waiting;
    while (nextPageToken.length > 0) {
      nextPageToken = await page(p, run, {
        historyEventFilterType: CLOSE_EVENT,
        waitForNewEvent: true,
        nextPageToken,
      });
    }
  },
  'waits for new events': async (p) => {
    const run = await p.start();
    const nextPageToken = await page(p, run, { waitForNewEvent: true });
    const waiting = page(p, run, { waitForNewEvent: true, nextPageToken });
    await p.sleep(500);
    await p.quiet.workflow.signalWorkflowExecution({
      domain: p.domain,
      workflowExecution: run,
      signalName: 'go',
      requestId: p.uuid('signal'),
    });
    const third = await waiting;
    await p.quiet.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
    await page(p, run, { waitForNewEvent: true, nextPageToken: third });
  },
  'with a page token of another branch': async (p) => {
    const run = await p.start();
    const nextPageToken = ofAnotherBranch(await page(p, run, { waitForNewEvent: true }));
    await page(p, run, { waitForNewEvent: true, nextPageToken });
  },
  'waits in vain': async (p) => {
    const run = await p.start();
    const nextPageToken = await page(p, run, { waitForNewEvent: true });
    await page(p, run, { waitForNewEvent: true, nextPageToken }, { timeoutMs: 3000 });
  },
  'while a decision is retried has no events of it': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await p.call.worker.respondDecisionTaskFailed({ taskToken: task.taskToken, cause: 14 });
    await page(p, run);
    await p.pollDecision();
    await page(p, run);
  },
  'skips the archive': async (p) => {
    const run = await p.start();
    await page(p, { ...run, runId: p.uuid('other') }, { skipArchival: true });
    await page(p, run, { skipArchival: true });
  },
  'with the token of a decision task': async (p) => {
    await p.start();
    const { answer } = await p.quiet.worker.pollForDecisionTask({
      domain: p.domain,
      taskList: { name: p.id('tl') },
      identity: 'worker',
    });
    p.note('token', (answer?.nextPageToken.length ?? 0) > 0);
  },
});

scenariosOf('describe', {
  'with faults': async (p) => {
    const { workflow } = p.call;
    const run = await p.start();
    await workflow.describeWorkflowExecution({ domain: '', workflowExecution: run });
    await workflow.describeWorkflowExecution({ domain: 'diff-unknown', workflowExecution: run });
    await workflow.describeWorkflowExecution({ domain: p.domain });
    await workflow.describeWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: '' } });
    await workflow.describeWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: 'w', runId: 'no' } });
    await workflow.describeWorkflowExecution({
      domain: p.domain,
      workflowExecution: { workflowId: 'no-such-workflow' },
    });
    await workflow.describeWorkflowExecution({
      domain: p.domain,
      workflowExecution: { ...run, runId: p.uuid('other run') },
    });
  },
  'a run that started with everything': async (p) => {
    const run = await p.start({
      memo: { fields: { m: payload('v') } },
      searchAttributes: { indexedFields: { CustomKeywordField: payload('"x"') } },
      retryPolicy: { initialInterval: seconds(1), backoffCoefficient: 2, maximumAttempts: 3 },
      cronSchedule: '@every 100h',
      cronOverlapPolicy: 2,
    });
    await p.describe(run);
  },
  'a decision that runs': async (p) => {
    const run = await p.start();
    await p.describe(run, 'scheduled');
    const task = await p.pollDecision();
    await p.describe(run, 'started');
    await p.signal(run, 'waits');
    await p.describe(run, 'with a signal that waits');
    await p.decide(task, [activity('a'), activity('b', { heartbeatTimeout: seconds(10) }), timer('t', 50)]);
    await p.describe(run, 'completed');
  },
  'the current run of a chain': async (p) => {
    const run = await p.start();
    await p.turn([continueAsNew({})]);
    await p.describe({ ...run, runId: '' });
    await p.describe(run, 'the first run');
  },
  strongly: async (p) => {
    const run = await p.start();
    await p.call.workflow.describeWorkflowExecution({
      domain: p.domain,
      workflowExecution: run,
      queryConsistencyLevel: 2,
    });
  },
});

scenariosOf('restart', {
  'a completed run': async (p) => {
    const run = await p.start({
      input: payload('i'),
      memo: { fields: { m: payload('v') } },
      header: { fields: { h: payload('v') } },
    });
    await p.turn([complete()]);
    await restart(p, run);
    await p.history({ ...run, runId: '' }, 'history of the new run');
  },
  'a running workflow': async (p) => {
    const run = await p.start();
    await restart(p, run);
    await p.history(run, 'history of the first run');
    await p.history({ ...run, runId: '' }, 'history of the new run');
  },
  'a workflow by its id': async (p) => {
    const run = await p.start({
      retryPolicy: { initialInterval: seconds(1), backoffCoefficient: 2, maximumAttempts: 3 },
    });
    await restart(p, { ...run, runId: '' });
    await p.history({ ...run, runId: '' }, 'history of the new run');
  },
  'with faults': async (p) => {
    const run = await p.start();
    const { workflow } = p.call;
    await workflow.restartWorkflowExecution({ domain: '', workflowExecution: run });
    await workflow.restartWorkflowExecution({ domain: p.domain });
    await workflow.restartWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: '' } });
    await workflow.restartWorkflowExecution({ domain: p.domain, workflowExecution: { workflowId: 'w', runId: 'no' } });
    await workflow.restartWorkflowExecution({
      domain: p.domain,
      workflowExecution: { workflowId: 'no-such-workflow' },
    });
  },
});

const restart = async (p: Player, run: RunRef): Promise<void> => {
  const outcome = await p.quiet.workflow.restartWorkflowExecution({
    domain: p.domain,
    workflowExecution: run,
    reason: 'again',
    identity: 'client',
  });
  if (outcome.answer !== undefined) p.name(outcome.answer.runId, 'new run');
  p.show('RestartWorkflowExecution', outcome);
};

scenariosOf('refresh-tasks', {
  'of a running workflow': async (p) => {
    const run = await p.start();
    await p.turn([activity('a'), timer('t', 2)]);
    await p.call.workflow.refreshWorkflowTasks({ domain: p.domain, workflowExecution: run });
    await p.pollActivity();
    await p.awaitEvent(run, 'TimerFired');
    await p.history(run);
  },
  'of a closed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    await p.call.workflow.refreshWorkflowTasks({ domain: p.domain, workflowExecution: run });
    await p.history(run);
  },
  'by its administrator': async (p) => {
    const run = await p.start();
    await p.call.admin.refreshWorkflowTasks({ domain: p.domain, workflowExecution: run });
    await p.pollDecision();
  },
  'with faults': async (p) => {
    const { workflow } = p.call;
    await workflow.refreshWorkflowTasks({ domain: '' });
    await workflow.refreshWorkflowTasks({ domain: p.domain });
    await workflow.refreshWorkflowTasks({ domain: p.domain, workflowExecution: { workflowId: '' } });
    await workflow.refreshWorkflowTasks({ domain: p.domain, workflowExecution: { workflowId: 'no-such-workflow' } });
  },
});
