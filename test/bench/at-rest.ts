// Scenarios about what is there rather than what happens: a long history read cold, many open runs at rest, and a restart on them.
import { randomUUID } from 'node:crypto';
import { historyOf } from '../support/region-snapshot.ts';
import { type Api, call } from './api.ts';
import { openApis, pick } from './deployed.ts';
import { DOMAIN, prepareDomain, signalRequest, startRequest } from './domain.ts';
import { percentiles } from './measure.ts';
import type { BenchOptions, Row } from './scenarios.ts';
import type { Site } from './target.ts';

const MIB = 1024 * 1024;
const FILL_CONCURRENCY = 64;
const SETTLE_MS = 10_000;
const IDLE_SECONDS = 60; // Holds each kind of periodic work at least once.
const WARM_MS = 15_000;
const WARM_STARTS = 5_000;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** `count` calls of `work` with a fixed concurrency. */
async function repeat(count: number, concurrency: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: concurrency }, runner));
}

async function readHistory(api: Api, workflowId: string): Promise<{ events: number; ms: number }> {
  const started = performance.now();
  const events = await historyOf(api, DOMAIN, workflowId, '');
  return { events: events.length, ms: performance.now() - started };
}

/** A run of about 10,000 events, read whole after a restart: nothing is cached. */
export async function longHistory({ target }: BenchOptions): Promise<readonly Row[]> {
  const site = await target.makeSite();
  const first = await site.start();
  const writer = openApis(first);
  await prepareDomain(...writer.apis.slice(0, first.addresses.length));
  await call(pick(writer.apis, 0).workflow, 'startWorkflowExecution', startRequest('long', 'nobody'));
  await repeat(9_990, 50, (index) =>
    call(pick(writer.apis, index).workflow, 'signalWorkflowExecution', signalRequest('long')),
  );
  writer.close();
  await first.kill('SIGTERM');
  const second = await site.start();
  const reader = openApis(second);
  const cold = await readHistory(pick(reader.apis, 0), 'long');
  const warm = await readHistory(pick(reader.apis, 0), 'long');
  reader.close();
  await second.kill('SIGTERM');
  await site.remove();
  return [{ scenario: 'long-history', values: { events: cold.events, 'cold ms': cold.ms, 'warm ms': warm.ms } }];
}

const LATENCY_SAMPLES = 300;

/** Of starts, one after another. */
async function startLatencies(apis: readonly Api[]): Promise<ReturnType<typeof percentiles>> {
  const latencies: number[] = [];
  for (let index = 0; index < LATENCY_SAMPLES; index++) {
    const begun = performance.now();
    await call(pick(apis, index).workflow, 'startWorkflowExecution', startRequest(`l-${randomUUID()}`, 'nobody'));
    latencies.push(performance.now() - begun);
  }
  return percentiles(latencies);
}

/** Of a new cluster, once its processes are as warm as those that filled the other. */
async function emptyLatencies(apis: readonly Api[]): Promise<ReturnType<typeof percentiles>> {
  await repeat(WARM_STARTS, FILL_CONCURRENCY, (index) =>
    call(pick(apis, index).workflow, 'startWorkflowExecution', startRequest(`w-${randomUUID()}`, 'nobody')),
  );
  return startLatencies(apis);
}

/** Beside what another cluster has left on the same machine: of its speed, and of a store that is no longer fresh. */
async function emptyLatenciesAfter(site: Site): Promise<ReturnType<typeof percentiles>> {
  const deployment = await site.start();
  const { apis, close } = openApis(deployment);
  await prepareDomain(...apis.slice(0, deployment.addresses.length));
  const latencies = await emptyLatencies(apis);
  close();
  await deployment.kill('SIGTERM');
  await site.remove();
  return latencies;
}

const largestMib = (bytes: readonly number[]): number => Math.max(...bytes) / MIB;

/** Many open runs that nobody works on: what they cost at rest and a new one beside them, and how soon killed servers answer again. */
export async function idleAndRecover(options: BenchOptions): Promise<readonly Row[]> {
  const { target, openWorkflows } = options;
  const site = await target.makeSite();
  const deployment = await site.start();
  const { apis, close } = openApis(deployment);
  await prepareDomain(...apis.slice(0, deployment.addresses.length));
  const empty = await emptyLatencies(apis);
  const begun = performance.now();
  await repeat(openWorkflows, FILL_CONCURRENCY, (index) =>
    call(pick(apis, index).workflow, 'startWorkflowExecution', startRequest(`open-${index}`, 'nobody')),
  );
  const startSeconds = (performance.now() - begun) / 1000;
  await pause(SETTLE_MS);
  const cpu = deployment.usage().serverCpuSeconds;
  await pause(IDLE_SECONDS * 1000);
  const idleCpu = deployment.usage().serverCpuSeconds - cpu;
  const full = await startLatencies(apis);
  const idle = {
    'RSS MB': largestMib(deployment.rssBytes()),
    'peak RSS MB': largestMib(deployment.peakRssBytes()),
    'CPU % of a core': (idleCpu / IDLE_SECONDS) * 100,
    'starts per second': openWorkflows / startSeconds,
    'start p50 ms empty': empty.p50Ms,
    'start p50 ms': full.p50Ms,
    'start p99 ms': full.p99Ms,
  };
  close();
  await deployment.kill('SIGKILL');
  const recovered = await recover(site, openWorkflows);
  await site.remove();
  const emptyAfter = await emptyLatenciesAfter(await target.makeSite());
  const values = { ...idle, 'start p50 ms empty after': emptyAfter.p50Ms };
  return [{ scenario: `idle ${openWorkflows} open`, values }, recovered];
}

async function recover(site: Site, openWorkflows: number): Promise<Row> {
  const killed = performance.now();
  const deployment = await site.start();
  const { apis, close } = openApis(deployment);
  await untilStarted(pick(apis, 0));
  const firstStartMs = performance.now() - killed;
  const latencies: number[] = [];
  for (let i = 0; i < 50; i++) {
    const begun = performance.now();
    await call(pick(apis, i).workflow, 'describeWorkflowExecution', {
      domain: DOMAIN,
      workflowExecution: { workflowId: `open-${i * 7}`, runId: '' },
      queryConsistencyLevel: 0,
    });
    latencies.push(performance.now() - begun);
  }
  const allMs = performance.now() - killed;
  await pause(WARM_MS);
  const rss = largestMib(deployment.rssBytes());
  close();
  await deployment.kill('SIGTERM');
  return {
    scenario: `recover ${openWorkflows} open`,
    values: {
      'first answer ms': firstStartMs,
      '50 describes ms': allMs,
      'p99 ms': percentiles(latencies).p99Ms,
      'RSS MB': rss,
    },
  };
}

const RECOVER_MS = 60_000;

/** Servers of a cluster answer before they own the shard that is asked for. */
async function untilStarted(api: Api): Promise<void> {
  const request = startRequest(`after-${randomUUID()}`, 'nobody');
  for (const until = Date.now() + RECOVER_MS; ; ) {
    try {
      await call(api.workflow, 'startWorkflowExecution', request);
      return;
    } catch (error) {
      if (Date.now() > until) throw error;
      await pause(20);
    }
  }
}
