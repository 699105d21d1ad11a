// Polls: their checks, and what is answered when nothing comes.
import { complete, seconds } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { CallOptions } from '../wire.ts';

const long = 'x'.repeat(1001);
type Fault = readonly [request: object, options?: CallOptions];

const faults: Readonly<Record<string, Fault>> = {
  'without a domain': [{ domain: '' }],
  'of an unknown domain': [{ domain: 'diff-unknown' }],
  'without a task list': [{ taskList: undefined }],
  'with an empty task list': [{ taskList: { name: '' } }],
  'with a task list too long': [{ taskList: { name: long } }],
  'with an identity too long': [{ identity: long }],
  'with a time too short': [{}, { timeoutMs: 1500 }],
  'without a time': [{}, { timeoutMs: -1 }],
  'of a client too new': [{}, { headers: { 'cadence-client-feature-version': '99.0.0' }, timeoutMs: 3000 }],
  'of a client of no version': [{}, { headers: { 'cadence-client-feature-version': '' }, timeoutMs: 3000 }],
  'of an unknown client': [{}, { headers: { 'cadence-client-name': 'uber-cobol' }, timeoutMs: 3000 }],
  'of a java client too new': [
    {},
    { headers: { 'cadence-client-name': 'uber-java', 'cadence-client-feature-version': '9.0.0' }, timeoutMs: 3000 },
  ],
  'of a client whose version is none': [{}, { headers: { 'cadence-client-feature-version': 'new' }, timeoutMs: 3000 }],
  'when nothing comes': [{}, { timeoutMs: 3000 }],
};

const request = (p: Player): object => ({ domain: p.domain, taskList: { name: p.id('empty') }, identity: 'worker' });

for (const [kind, method] of [
  ['poll-decision', 'pollForDecisionTask'],
  ['poll-activity', 'pollForActivityTask'],
] as const) {
  scenariosOf(
    kind,
    Object.fromEntries(
      Object.entries(faults).map(([behaviour, [fault, options]]) => [
        behaviour,
        async (p) => {
          await p.call.worker[method]({ ...request(p), ...fault }, { timeoutMs: 3000, ...options });
        },
      ]),
    ),
  );
}

scenariosOf('poll-activity', {
  'with a rate': async (p) => {
    await p.call.worker.pollForActivityTask(
      { ...request(p), taskListMetadata: { maxTasksPerSecond: 5 } },
      { timeoutMs: 3000 },
    );
  },
  'with a rate below zero': async (p) => {
    await p.call.worker.pollForActivityTask(
      { ...request(p), taskListMetadata: { maxTasksPerSecond: -1 } },
      { timeoutMs: 3000 },
    );
  },
});

scenariosOf('poll-decision', {
  'waits for a start': async (p) => {
    const waiting = p.quiet.worker.pollForDecisionTask(
      { domain: p.domain, taskList: { name: p.id('tl') }, identity: 'worker' },
      { timeoutMs: 20_000 },
    );
    await p.sleep(200);
    const run = await p.start();
    const task = await waiting;
    p.note('came', (task.answer?.taskToken.length ?? 0) > 0);
    if (task.answer !== undefined) await p.decide(task.answer, [complete()]);
    await p.history(run);
  },
  'of a run that is over gets nothing': async (p) => {
    const run = await p.start();
    await p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
    await p.pollDecision({ isEmpty: true });
  },
  'of a bad binary': async (p) => {
    await p.start({ taskStartToCloseTimeout: seconds(5) });
    await p.pollDecision({ binaryChecksum: 'any' });
  },
});
