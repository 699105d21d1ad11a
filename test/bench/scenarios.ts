// The scenarios of the bench: each prepares its load against running servers, measures, and returns rows for the report.
import { randomUUID } from 'node:crypto';
import { fingerprint32 } from '#base';
import { type Api, call } from './api.ts';
import { idleAndRecover, longHistory } from './at-rest.ts';
import { pick, withDeployment } from './deployed.ts';
import { DOMAIN, signalRequest, startRequest } from './domain.ts';
import { goActivity } from './go-client.ts';
import { type Measured, measureLoad, type Window } from './measure.ts';
import type { Deployment, Target } from './target.ts';
import { type Edge, valuesOf } from './values.ts';
import { startWorkerLoop } from './worker-loop.ts';

export interface Row {
  readonly scenario: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface BenchOptions extends Window {
  readonly target: Target;
  /** Of the target, and the workflows a second that `paced` gives each. */
  readonly hosts: number;
  readonly perHost: number;
  /** Of the target, when it is ours. */
  readonly shards: number;
  readonly openWorkflows: number;
  readonly nodeArguments: readonly string[];
  /** Worker processes of the scenarios with Go's client, and pollers of each kind in each. */
  readonly goWorkers: number;
  readonly goPollers: number;
  /** Of the server to measure; undefined: this one. */
  readonly entry?: string | undefined;
}

export type Scenario = (options: BenchOptions) => Promise<readonly Row[]>;

const WORKFLOW_MS_MAX = 60_000;
// A server that does not keep pace has so many under way.
const PACED_MAX = 500;

/** So many operations under way, or begun at this rate and so many at most. */
interface Load {
  readonly concurrency: number;
  readonly perSecond?: number;
}

/** Measures with the servers' and the store's CPU and disk in the window. */
async function measured(
  deployment: Deployment,
  options: BenchOptions,
  { concurrency, perSecond }: Load,
  operation: (index: number) => Promise<void>,
): Promise<Record<string, number>> {
  const edges: Edge[] = [];
  const result: Measured = await measureLoad({
    concurrency,
    perSecond,
    window: options,
    operation,
    onWindow: () => {
      const { user, system } = process.cpuUsage();
      edges.push({ usage: deployment.usage(), clientCpuSeconds: (user + system) / 1e6 });
    },
  });
  return valuesOf(result, edges as [Edge, Edge], deployment);
}

/** Of each kind. A task that waits for a poller costs every server a commit more, so there is one for each workflow under way. */
const POLLERS_MAX = 128;

function workflows(
  options: BenchOptions,
  load: Load,
  activities: number,
  scenario: string,
  workflowIdOf: (index: number) => string = (index) => `w-${index}-${randomUUID()}`,
): Promise<Row> {
  return withDeployment(options.target, async (deployment, apis) => {
    const pollers = Math.max(4, Math.min(POLLERS_MAX, load.concurrency));
    const worker = startWorkerLoop({
      apis,
      domain: DOMAIN,
      taskList: 'bench',
      decisionPollers: pollers,
      activityPollers: pollers,
      activities,
    });
    const values = await measured(deployment, options, load, async (index) => {
      const workflowId = workflowIdOf(index);
      const finished = new Promise<void>((resolve, reject) => {
        // A workflow that was lost on the way is an error, not a wait for ever.
        const timer = setTimeout(() => reject(new Error(`${workflowId} did not end`)), WORKFLOW_MS_MAX).unref();
        worker.waiting.set(workflowId, () => {
          clearTimeout(timer);
          resolve();
        });
      });
      await Promise.all([finished, startWorkflow(pick(apis, index), workflowId, 'bench')]);
    });
    worker.stop();
    return { scenario, values: { ...values, errors: (values.errors ?? 0) + worker.errors } };
  });
}

const startWorkflow = (api: Api, workflowId: string, taskList: string): Promise<unknown> =>
  call(api.workflow, 'startWorkflowExecution', startRequest(workflowId, taskList));

async function start(options: BenchOptions): Promise<Row> {
  return withDeployment(options.target, async (deployment, apis) => ({
    scenario: 'start c=50',
    values: await measured(deployment, options, { concurrency: 50 }, async (index) => {
      await startWorkflow(pick(apis, index), `s-${randomUUID()}`, 'nobody');
    }),
  }));
}

/** A run takes 10,000 signals at most: the next run follows when one is full. */
async function signal(options: BenchOptions, runCount: number): Promise<Row> {
  return withDeployment(options.target, async (deployment, apis) => {
    const signalsPerRun = 9_900;
    const starts = new Map<string, Promise<unknown>>();
    const ensure = (workflowId: string): Promise<unknown> => {
      let promise = starts.get(workflowId);
      if (promise === undefined) {
        promise = startWorkflow(pick(apis, 0), workflowId, 'nobody');
        starts.set(workflowId, promise);
      }
      return promise;
    };
    const values = await measured(deployment, options, { concurrency: 50 }, async (index) => {
      const workflowId = `run-${index % runCount}-${Math.floor(index / (signalsPerRun * runCount))}`;
      await ensure(workflowId);
      await call(pick(apis, index).workflow, 'signalWorkflowExecution', signalRequest(workflowId));
    });
    return { scenario: runCount === 1 ? 'signal one run c=50' : `signal ${runCount} runs c=50`, values };
  });
}

/** A workflow id of the first of equal shards. */
function idOfFirstShard(shards: number): string {
  for (;;) {
    const id = `h-${randomUUID()}`;
    if (fingerprint32(id) < 2 ** 32 / shards) return id;
  }
}

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  activity: async (options) => {
    const rows: Row[] = [];
    for (const c of [1, 50, 200]) rows.push(await workflows(options, { concurrency: c }, 1, `activity c=${c}`));
    return rows;
  },
  'activity-1': async (options) => [await workflows(options, { concurrency: 1 }, 1, 'activity c=1')],
  'activity-50': async (options) => [await workflows(options, { concurrency: 50 }, 1, 'activity c=50')],
  'activity-200': async (options) => [await workflows(options, { concurrency: 200 }, 1, 'activity c=200')],
  paced: async (options) => {
    const { hosts, perHost } = options;
    const load = { concurrency: PACED_MAX, perSecond: hosts * perHost };
    return [await workflows(options, load, 1, `activity ${perHost}/s a host`)];
  },
  'activity-50-a-host': async (options) => [
    await workflows(options, { concurrency: 50 * options.hosts }, 1, 'activity c=50 a host'),
  ],
  'go-activity-50': async (options) => [await goActivity(options, 50)],
  'go-activity-200': async (options) => [await goActivity(options, 200)],
  'hot-shard': async (options) => [
    await workflows(options, { concurrency: 50 }, 1, 'hot shard c=50', () => idOfFirstShard(options.shards)),
  ],
  chain10: async (options) => [await workflows(options, { concurrency: 16 }, 10, 'chain10 c=16')],
  start: async (options) => [await start(options)],
  signal: async (options) => [await signal(options, 1), await signal(options, 1000)],
  'long-history': longHistory,
  idle: idleAndRecover,
};

/** What a plain `npm run bench` runs. */
export const DEFAULT_SCENARIOS = ['activity', 'chain10', 'start', 'signal', 'long-history', 'idle'] as const;
