// The property that determinism rests on: whatever a program does, and in whatever order the world answers, the state kept
// since the last decision and a replay from the start decide the same. The play compares them at every decision.
import type { Decision } from '@antiphon/proto';
import { bundleWorkflows, replayHistory, type WorkflowBundle } from '@antiphon/sdk/worker';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { createPlay, type Play } from '../../support/sdk/play.ts';
import type { Step } from './fixtures/program.workflows.ts';

let bundle: WorkflowBundle;
beforeAll(async () => {
  bundle = await bundleWorkflows({ workflowsPath: 'test/unit/sdk/fixtures/program.workflows.ts' });
});

const { step } = fc.letrec<{ step: Step }>((tie) => ({
  step: fc.oneof(
    { maxDepth: 3 },
    fc
      .constantFrom(...(['activity', 'sleep', 'child', 'signals', 'values', 'noise'] as const))
      .map((name) => ({ do: name })),
    fc.constantFrom('a', 'b').map((id) => ({ do: 'version' as const, id })),
    fc.record({
      do: fc.constantFrom(...(['timeout', 'all', 'race', 'cancelled', 'shielded'] as const)),
      steps: fc.array(tie('step'), { minLength: 1, maxLength: 3 }),
    }),
  ),
}));

/** What the world still owes the run: each entry plays one answer. */
type Debt = () => void;

function owe(run: Play, debts: Map<string, Debt>, decision: Decision): void {
  const { history } = run;
  const { attributes } = decision;
  switch (attributes?.$case) {
    case 'scheduleActivityTaskDecisionAttributes': {
      const id = attributes.value.activityId;
      const answer = () =>
        Number(id) % 4 === 3 ? history.failActivity(id, 'Bad') : history.completeActivity(id, Number(id));
      debts.set(`activity ${id}`, answer);
      return;
    }
    case 'requestCancelActivityTaskDecisionAttributes': {
      const id = attributes.value.activityId;
      if (Number(id) % 2 === 0) debts.set(`activity ${id}`, () => history.cancelActivity(id));
      return;
    }
    case 'startTimerDecisionAttributes':
      debts.set(`timer ${attributes.value.timerId}`, () => history.fire(attributes.value.timerId));
      return;
    case 'cancelTimerDecisionAttributes':
      debts.delete(`timer ${attributes.value.timerId}`);
      return;
    case 'startChildWorkflowExecutionDecisionAttributes': {
      const id = attributes.value.workflowId;
      debts.set(`child ${id}`, () => {
        history.startChild(id);
        debts.set(`child ${id}`, () => history.completeChild(id, id.length));
      });
      return;
    }
    case 'requestCancelExternalWorkflowExecutionDecisionAttributes': {
      const id = attributes.value.workflowExecution?.workflowId ?? '';
      if (id.length % 2 === 0) debts.set(`child ${id}`, () => history.cancelChild(id));
      return;
    }
    default:
  }
}

function playOut(steps: readonly Step[], choices: readonly number[]): Play {
  const run = createPlay(bundle, 'program', steps);
  const debts = new Map<string, Debt>();
  let turn = 0;
  const choose = (limit: number): number => (choices[turn++ % choices.length] ?? 0) % limit;
  for (let round = 0; round < 60 && !run.isClosed; round++) {
    for (const decision of run.decide()) owe(run, debts, decision);
    if (run.isClosed) break;
    if (choose(5) === 0) run.evict();
    for (let news = 1 + choose(3); news > 0; news--) {
      const kinds = [...debts.keys()];
      const pick = choose(kinds.length + 1);
      const key = kinds[pick];
      if (key === undefined) {
        run.history.signal('poke', choose(6));
        continue;
      }
      const answer = debts.get(key);
      debts.delete(key);
      answer?.();
    }
    if (choose(25) === 1) run.history.requestCancel();
  }
  return run;
}

test('a replay decides what live code decided, at every decision, for any program and any order of events', () => {
  let closed = 0;
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 5 }),
      fc.array(fc.nat(1000), { minLength: 40, maxLength: 80 }),
      (steps, choices) => {
        const run = playOut(steps, choices);
        if (run.isClosed) closed++;
        replayHistory(bundle, run.history.events);
      },
    ),
    { numRuns: 150 },
  );
  // Without this the property could hold because nothing ever happened.
  expect(closed).toBeGreaterThan(100);
}, 60_000);
