// One tenant at a hundred times its quota beside one that works: what the second one notices. The working tenant starts workflows at a fixed rate,
// whatever their answers take; phases with and without the noise take turns on one server, so that a busy machine disturbs both alike.
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { RegisterDomainRequest } from '@antiphon/proto';
import { type Api, call, openApi } from './api.ts';
import { percentiles } from './measure.ts';
import type { NoiseRates, NoiseReport } from './noise.ts';
import { type BenchOptions, prepareDomain, type Row, startRequest } from './scenarios.ts';
import { makeFolder, type ServerProcess, startServerProcess } from './server-process.ts';
import { NOISY_DOMAIN } from './tenant-requests.ts';
import { startWorkerLoop, type WorkerLoop } from './worker-loop.ts';

const QUOTA = { user: 10, worker: 10, visibility: 1 };
const TIMES = 100;
const WORKFLOWS_PER_SECOND = 30;
/** An answer that was lost on the way is an error, not a wait for ever. */
const WORKFLOW_MS_MAX = 20_000;
const ROUNDS = 3;

const limits = `
frontend.domainrps:
- { value: ${QUOTA.user}, constraints: { domainName: ${NOISY_DOMAIN} } }
frontend.domainworkerrps:
- { value: ${QUOTA.worker}, constraints: { domainName: ${NOISY_DOMAIN} } }
frontend.domainvisibilityrps:
- { value: ${QUOTA.visibility}, constraints: { domainName: ${NOISY_DOMAIN} } }
`;

interface Phase {
  readonly starts: number[];
  readonly workflows: number[];
  errors: number;
  cpuSeconds: number;
}

const emptyPhase = (): Phase => ({ starts: [], workflows: [], errors: 0, cpuSeconds: 0 });

export async function tenant(options: BenchOptions): Promise<readonly Row[]> {
  const folder = makeFolder();
  const file = path.join(folder, 'limits.yaml');
  fs.writeFileSync(file, limits);
  const server = await startServerProcess({
    folder,
    nodeArguments: options.nodeArguments,
    environment: { ANTIPHON_DYNAMIC_CONFIG_FILE: file },
  });
  const apis = Array.from({ length: 2 }, (_, index) => openApi(server.address, index));
  const [api] = apis as [Api, Api];
  await prepareDomain(api);
  const retention = { seconds: 86_400n, nanos: 0 };
  const noisy = RegisterDomainRequest.fromPartial({ name: NOISY_DOMAIN, workflowExecutionRetentionPeriod: retention });
  await call(api.domain, 'registerDomain', noisy);
  const worker = startWorkerLoop({
    apis,
    domain: 'bench',
    taskList: 'bench',
    decisionPollers: 8,
    activityPollers: 8,
    activities: 1,
  });
  const quiet = emptyPhase();
  const disturbed = emptyPhase();
  const noise: NoiseReport[] = [];
  await work(api, worker, server, emptyPhase(), options.warmUpSeconds);
  for (let round = 0; round < ROUNDS; round++) {
    await work(api, worker, server, quiet, options.seconds / ROUNDS);
    const making = await startNoise(server.address);
    await work(api, worker, server, disturbed, options.seconds / ROUNDS);
    noise.push(await endNoise(making));
  }
  worker.stop();
  for (const each of apis) each.close();
  await server.kill('SIGTERM');
  return [rowOf('tenant alone', quiet, options), noisyRow(quiet, disturbed, noise, options)];
}

/** Open loop: a start is sent when its time has come, not when the one before was answered. */
async function work(api: Api, worker: WorkerLoop, server: ServerProcess, phase: Phase, seconds: number): Promise<void> {
  const cpu = server.cpuSeconds();
  const begun = performance.now();
  const running: Promise<void>[] = [];
  for (let index = 0; index < seconds * WORKFLOWS_PER_SECOND; index++) {
    const due = begun + (index * 1000) / WORKFLOWS_PER_SECOND;
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    running.push(runOne(api, worker, phase, due));
  }
  phase.cpuSeconds += server.cpuSeconds() - cpu;
  await Promise.all(running);
}

async function runOne(api: Api, worker: WorkerLoop, phase: Phase, due: number): Promise<void> {
  const workflowId = `w-${randomUUID()}`;
  const finished = new Promise<void>((resolve) => worker.waiting.set(workflowId, resolve));
  try {
    await call(api.workflow, 'startWorkflowExecution', startRequest(workflowId, 'bench'));
    phase.starts.push(performance.now() - due);
    await within(finished);
    phase.workflows.push(performance.now() - due);
  } catch {
    phase.errors++; // Counted: a run with errors says so.
  }
}

async function within(finished: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the workflow did not finish')), WORKFLOW_MS_MAX);
  });
  await Promise.race([finished, tooLate]).finally(() => clearTimeout(timer));
}

const rates: NoiseRates = {
  user: QUOTA.user * TIMES,
  polls: QUOTA.worker * TIMES,
  lists: QUOTA.visibility * TIMES,
};

async function startNoise(address: string): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, `noise${path.extname(import.meta.filename)}`);
  const child = fork(script, [address, JSON.stringify(rates)]);
  // Its first connections and the server's first sight of it are not what is measured.
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return child;
}

function endNoise(child: ChildProcess): Promise<NoiseReport> {
  return new Promise((resolve, reject) => {
    child.once('message', (report) => resolve(report as NoiseReport));
    child.once('exit', (code) => code !== 0 && reject(new Error(`the noise ended with ${code}`)));
    child.send('report');
  });
}

function rowOf(scenario: string, phase: Phase, options: BenchOptions): Row {
  const starts = percentiles(phase.starts);
  const workflows = percentiles(phase.workflows);
  return {
    scenario,
    values: {
      'start p50 ms': starts.p50Ms,
      'start p99 ms': starts.p99Ms,
      'workflow p50 ms': workflows.p50Ms,
      'workflow p99 ms': workflows.p99Ms,
      errors: phase.errors,
      'server CPU %': (phase.cpuSeconds / options.seconds) * 100,
    },
  };
}

function noisyRow(quiet: Phase, disturbed: Phase, noise: readonly NoiseReport[], options: BenchOptions): Row {
  const row = rowOf('tenant beside noise', disturbed, options);
  const mean = (of: (report: NoiseReport) => number): number =>
    noise.reduce((sum, report) => sum + of(report), 0) / noise.length;
  return {
    ...row,
    values: {
      ...row.values,
      'start p99 ×': percentiles(disturbed.starts).p99Ms / percentiles(quiet.starts).p99Ms,
      'workflow p99 ×': percentiles(disturbed.workflows).p99Ms / percentiles(quiet.workflows).p99Ms,
      'noise sent per second': mean((report) => report.sentPerSecond),
      'refused per second': mean((report) => report.refusedPerSecond),
      'served per second': mean((report) => report.servedPerSecond),
    },
  };
}
