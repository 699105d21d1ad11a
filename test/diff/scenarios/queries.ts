// Queries: direct and consistent, in each state of a run, rejected, failed, late, and with faults.
import type { QueryWorkflowRequest } from '@antiphon/proto';
import { complete, failure, failWorkflow, payload, seconds, timer } from '../messages.ts';
import type { Player, RunRef } from '../player.ts';
import { scenariosOf } from '../scenario.ts';
import type { CallOptions, Loose } from '../wire.ts';

type Query = Loose<QueryWorkflowRequest>;
const STRONG = 2;

const request = (p: Player, run: RunRef, more: Query = {}): Query => ({
  domain: p.domain,
  workflowExecution: run,
  query: { queryType: 'state', queryArgs: payload('args') },
  ...more,
});

const ask = (p: Player, run: RunRef, more: Query = {}, options: CallOptions = {}) =>
  p.quiet.workflow.queryWorkflow(request(p, run, more), { timeoutMs: 10_000, ...options });

/** A workflow that has done one decision and waits. */
async function ready(p: Player): Promise<RunRef> {
  const run = await p.start();
  await p.turn([timer('t', 50)]);
  return run;
}

const answerOf = (text: string) => ({ resultType: 1, answer: payload(text) }) as const;

const answer = (p: Player, taskToken: Uint8Array, result: object = answerOf('yes')) =>
  p.call.worker.respondQueryTaskCompleted({ taskToken, result });

const faults: Readonly<Record<string, Query>> = {
  'without a domain': { domain: '' },
  'of an unknown domain': { domain: 'diff-unknown' },
  'without an execution': { workflowExecution: undefined },
  'without a workflow id': { workflowExecution: { workflowId: '' } },
  'of a run id that is none': { workflowExecution: { workflowId: 'w', runId: 'no' } },
  'of an unknown workflow': { workflowExecution: { workflowId: 'no-such-workflow' } },
  'without a query': { query: undefined },
  'without a type': { query: { queryType: '' } },
  'with arguments too large': { query: { queryType: 'q', queryArgs: { data: new Uint8Array(2 * 1024 * 1024 + 1) } } },
  'with an unknown reject condition': { queryRejectCondition: 9 as never },
  'strong where the domain has it off': { domain: 'diff-eventual', queryConsistencyLevel: STRONG },
};

scenariosOf(
  'query',
  Object.fromEntries(
    Object.entries(faults).map(([behaviour, fault]) => [
      behaviour,
      async (p) => {
        const run = await p.start(fault.domain === 'diff-eventual' ? { domain: fault.domain } : {});
        p.show('QueryWorkflow', await ask(p, run, fault, { timeoutMs: 8000 }));
      },
    ]),
  ),
);

scenariosOf('query', {
  'is answered': async (p) => {
    const run = await ready(p);
    const asked = ask(p, run);
    const task = await p.pollDecision();
    await answer(p, task.taskToken);
    p.show('QueryWorkflow', await asked);
    await p.history(run);
  },
  'is answered without an answer': async (p) => {
    const run = await ready(p);
    const asked = ask(p, run);
    const task = await p.pollDecision();
    await answer(p, task.taskToken, { resultType: 1 });
    p.show('QueryWorkflow', await asked);
  },
  fails: async (p) => {
    const run = await ready(p);
    const asked = ask(p, run);
    const task = await p.pollDecision();
    await answer(p, task.taskToken, { resultType: 2, errorMessage: 'no such query' });
    p.show('QueryWorkflow', await asked);
  },
  'is answered with no result type': async (p) => {
    const run = await ready(p);
    const asked = ask(p, run, {}, { timeoutMs: 5000 });
    const task = await p.pollDecision();
    await answer(p, task.taskToken, { errorMessage: 'x' });
    p.show('QueryWorkflow', await asked);
  },
  'is answered twice': async (p) => {
    const run = await ready(p);
    const asked = ask(p, run);
    const task = await p.pollDecision();
    await answer(p, task.taskToken);
    await answer(p, task.taskToken);
    p.show('QueryWorkflow', await asked);
  },
  'of a completed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    const asked = ask(p, run);
    const task = await p.pollDecision();
    await answer(p, task.taskToken);
    p.show('QueryWorkflow', await asked);
  },
  'strong of a completed run': async (p) => {
    const run = await p.start();
    await p.turn([complete()]);
    const asked = ask(p, run, { queryConsistencyLevel: STRONG });
    const task = await p.pollDecision();
    await answer(p, task.taskToken);
    p.show('QueryWorkflow', await asked);
  },
  'before the first decision': async (p) => {
    const run = await p.start();
    p.show('QueryWorkflow', await ask(p, run, {}, { timeoutMs: 4000 }));
  },
  'of a run that ended before its first decision': async (p) => {
    const run = await p.start();
    await p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
    const asked = ask(p, run, {}, { timeoutMs: 4000 });
    p.show('QueryWorkflow', await asked);
  },
  'when nobody polls': async (p) => {
    const run = await ready(p);
    p.show('QueryWorkflow', await ask(p, run, {}, { timeoutMs: 3000 }));
  },
  'with a decision running is asked of the last state': async (p) => {
    const run = await ready(p);
    await p.signal(run, 'go');
    await p.pollDecision();
    const asked = ask(p, run);
    const task = await p.pollDecision();
    await answer(p, task.taskToken);
    p.show('QueryWorkflow', await asked);
  },
  'strong with no decision pending': async (p) => {
    const run = await ready(p);
    const asked = ask(p, run, { queryConsistencyLevel: STRONG });
    const task = await p.pollDecision();
    await answer(p, task.taskToken);
    p.show('QueryWorkflow', await asked);
  },
  'strong with a decision pending comes with it': async (p) => {
    const run = await ready(p);
    await p.signal(run, 'go');
    const asked = ask(p, run, { queryConsistencyLevel: STRONG });
    await p.sleep(500);
    const { answer: task } = await p.quiet.worker.pollForDecisionTask(poll(p));
    p.note('queries', Object.values(task?.queries ?? {}));
    await p.decide(task as { taskToken: Uint8Array }, [timer('u', 50)], {
      queryResults: Object.fromEntries(Object.keys(task?.queries ?? {}).map((id) => [id, answerOf('yes')])),
    });
    p.show('QueryWorkflow', await asked);
    await p.history(run);
  },
  'strong that fails with the decision': async (p) => {
    const run = await ready(p);
    await p.signal(run, 'go');
    const asked = ask(p, run, { queryConsistencyLevel: STRONG });
    await p.sleep(500);
    const { answer: task } = await p.quiet.worker.pollForDecisionTask(poll(p));
    await p.decide(task as { taskToken: Uint8Array }, [], {
      queryResults: Object.fromEntries(
        Object.keys(task?.queries ?? {}).map((id) => [id, { resultType: 2, errorMessage: 'no such query' }]),
      ),
    });
    p.show('QueryWorkflow', await asked);
  },
  'strong that comes while a decision runs': async (p) => {
    const run = await ready(p);
    await p.signal(run, 'go');
    const task = await p.pollDecision();
    const asked = ask(p, run, { queryConsistencyLevel: STRONG });
    await p.sleep(500);
    await p.decide(task, [timer('u', 50)]);
    const direct = await p.pollDecision();
    await answer(p, direct.taskToken);
    p.show('QueryWorkflow', await asked);
  },
  'strong, one too many': async (p) => {
    const run = await ready(p);
    await p.signal(run, 'go');
    const first = ask(p, run, { queryConsistencyLevel: STRONG }, { timeoutMs: 4000 });
    await p.sleep(500);
    p.show('second query', await ask(p, run, { queryConsistencyLevel: STRONG }, { timeoutMs: 4000 }));
    p.show('first query', await first);
  },
  'strong of a workflow that closes': async (p) => {
    const run = await ready(p);
    await p.signal(run, 'go');
    const asked = ask(p, run, { queryConsistencyLevel: STRONG });
    await p.sleep(500);
    const { answer: task } = await p.quiet.worker.pollForDecisionTask(poll(p));
    await p.decide(task as { taskToken: Uint8Array }, [complete()], {
      queryResults: Object.fromEntries(Object.keys(task?.queries ?? {}).map((id) => [id, answerOf('last')])),
    });
    p.show('QueryWorkflow', await asked);
  },
});

const poll = (p: Player) => ({ domain: p.domain, taskList: { name: p.id('tl') }, identity: 'worker' });

const rejecting: Readonly<Record<string, (p: Player, run: RunRef) => Promise<unknown>>> = {
  completed: (p) => p.turn([complete()]),
  failed: (p) => p.turn([failWorkflow({ failure: failure('bad') })]),
  terminated: async (p, run) => {
    await p.turn([timer('t', 50)]);
    await p.call.workflow.terminateWorkflowExecution({ domain: p.domain, workflowExecution: run });
  },
};

for (const [condition, queryRejectCondition] of [
  ['not open', 1],
  ['not completed cleanly', 2],
] as const) {
  scenariosOf(
    'query-reject',
    Object.fromEntries(
      Object.entries(rejecting).map(([state, bring]) => [
        `${condition}, ${state}`,
        async (p) => {
          const run = await p.start({ executionStartToCloseTimeout: seconds(50) });
          await bring(p, run);
          const asked = ask(p, run, { queryRejectCondition }, { timeoutMs: 6000 });
          if (condition === 'not completed cleanly' && state === 'completed') {
            await answer(p, (await p.pollDecision()).taskToken);
          }
          p.show('QueryWorkflow', await asked);
        },
      ]),
    ),
  );
}
