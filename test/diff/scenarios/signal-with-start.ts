// SignalWithStart: of a workflow in each state, with each reuse policy, repeated, and with faults of both its halves.
import type { SignalWithStartWorkflowExecutionRequest, StartWorkflowExecutionRequest } from '@antiphon/proto';
import { complete, payload, seconds } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { Loose } from '../wire.ts';
import { standings } from './id-reuse.ts';

type Start = Loose<StartWorkflowExecutionRequest>;
type Request = Loose<SignalWithStartWorkflowExecutionRequest>;

const request = (p: Player, start: Start = {}, more: Request = {}): Request => ({
  startRequest: p.startRequest(start),
  signalName: 'go',
  signalInput: payload('now'),
  control: Buffer.from('c'),
  ...more,
});

const send = async (p: Player, start: Start = {}, more: Request = {}): Promise<void> => {
  const outcome = await p.quiet.workflow.signalWithStartWorkflowExecution(request(p, start, more));
  p.show('SignalWithStartWorkflowExecution', outcome);
};

for (const [policy, workflowIdReusePolicy] of [
  ['no policy', 0],
  ['allow duplicate', 2],
  ['reject duplicate', 3],
  ['terminate if running', 4],
] as const) {
  scenariosOf(
    'signal-with-start',
    Object.fromEntries(
      Object.entries(standings).map(([standing, bring]) => [
        `${policy}, ${standing}`,
        async (p) => {
          const first = await bring(p);
          await send(p, { workflowIdReusePolicy });
          await p.history(first, 'history of the first run');
          await p.history({ ...first, runId: '' }, 'history of the current run');
        },
      ]),
    ),
  );
}

const long = 'x'.repeat(1001);
const faults: Readonly<Record<string, readonly [Start, Request?]>> = {
  'without a domain': [{ domain: '' }],
  'of an unknown domain': [{ domain: 'diff-unknown' }],
  'without a workflow id': [{ workflowId: '' }],
  'with a workflow id too long': [{ workflowId: long }],
  'without a type': [{ workflowType: undefined }],
  'without a task list': [{ taskList: undefined }],
  'without an execution timeout': [{ executionStartToCloseTimeout: undefined }],
  'without a task timeout': [{ taskStartToCloseTimeout: undefined }],
  'without a request id': [{ requestId: '' }],
  'with a request id that is no uuid': [{ requestId: 'mine' }],
  'with a bad retry policy': [
    { retryPolicy: { initialInterval: seconds(0), backoffCoefficient: 1, maximumAttempts: 1 } },
  ],
  'with a bad cron schedule': [{ cronSchedule: 'never' }],
  'with a delay below zero': [{ delayStart: seconds(-1) }],
  'with an unknown search attribute': [{ searchAttributes: { indexedFields: { Colour: payload('"red"') } } }],
  'with an input too large': [{ input: { data: new Uint8Array(2 * 1024 * 1024 + 1) } }],
  'without a signal name': [{}, { signalName: '' }],
  'with a signal name too long': [{}, { signalName: long }],
  'with a signal input too large': [{}, { signalInput: { data: new Uint8Array(2 * 1024 * 1024 + 1) } }],
  'with a delay': [{ delayStart: seconds(50) }],
  'with a cron schedule': [{ cronSchedule: '@every 100h' }],
};

scenariosOf(
  'signal-with-start',
  Object.fromEntries(
    Object.entries(faults).map(([behaviour, [start, more]]) => [
      behaviour,
      async (p) => {
        const outcome = await p.quiet.workflow.signalWithStartWorkflowExecution(request(p, start, more));
        p.show('SignalWithStartWorkflowExecution', outcome);
        if (outcome.answer !== undefined) await p.history({ workflowId: p.id('wf'), runId: outcome.answer.runId });
      },
    ]),
  ),
);

scenariosOf('signal-with-start', {
  'of a new workflow': async (p) => {
    await send(p);
    await p.turn([complete()]);
    await p.history({ workflowId: p.id('wf'), runId: '' });
  },
  'without a start request': async (p) => {
    p.show('answer', await p.quiet.workflow.signalWithStartWorkflowExecution({ signalName: 'go' }));
  },
  'twice with one request id': async (p) => {
    const requestId = p.uuid('one');
    await send(p, { requestId });
    await send(p, { requestId });
    await p.history({ workflowId: p.id('wf'), runId: '' });
  },
  'twice with one request id, the run has closed': async (p) => {
    const requestId = p.uuid('one');
    await send(p, { requestId });
    await p.turn([complete()]);
    await send(p, { requestId, workflowIdReusePolicy: 2 });
    await p.history({ workflowId: p.id('wf'), runId: '' });
  },
  'while a decision runs': async (p) => {
    const run = await p.start();
    const task = await p.pollDecision();
    await send(p);
    await p.decide(task, [complete()]);
    await p.history(run);
  },
  'during a delay': async (p) => {
    const run = await p.start({ delayStart: seconds(50) });
    await send(p);
    await p.history(run);
  },
});
