// One tenant at a hundred times its quota beside one that works: what the second one notices. The working tenant starts workflows at a fixed rate,
// whatever their answers take; phases with and without the noise take turns on one server, so that a busy machine disturbs both alike.
import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { RegisterDomainRequest } from '@antiphon/proto';
import { type Api, call, openApi } from './api.ts';
import { prepareDomain, startRequest } from './domain.ts';
import { percentiles } from './measure.ts';
import type { NoiseRates, NoiseReport } from './noise.ts';
import type { BenchOptions, Row } from './scenarios.ts';
import { makeFolder, type ServerProcess, startServerProcess } from './server-process.ts';
import { NOISY_DOMAIN } from './tenant-requests.ts';
import { startWorkerLoop, type WorkerLoop } from './worker-loop.ts';

/** Calls per second of the noisy tenant. What a refusal costs does not depend on it; how many there are, does. */
const QUOTA = { user: 5, worker: 5, visibility: 1 };
const TIMES = 100;
const WORKFLOWS_PER_SECOND = 10;
/** An answer that was lost on the way is an error, not a wait for ever. */
const WORKFLOW_MS_MAX = 20_000;
const ROUNDS = 4;

// The noisy tenant wants a hundred times its quota in both; they differ in how many of its calls wait for an answer at once.
const KINDS = [
  { scenario: 'tenant alone', inFlightMax: 0 },
  { scenario: 'tenant beside callers', inFlightMax: 200 },
  { scenario: 'tenant beside flood', inFlightMax: 5000 },
] as const;

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
    ...options,
    environment: { ANTIPHON_DYNAMIC_CONFIG_FILE: file },
  });
  const apis = Array.from({ length: 2 }, () => openApi(server.address));
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
  const phases = KINDS.map((kind) => ({ kind, phase: emptyPhase(), reports: [] as NoiseReport[] }));
  await work(api, worker, server, emptyPhase(), options.warmUpSeconds);
  for (let round = 0; round < ROUNDS; round++) {
    for (const { kind, phase, reports } of phases) {
      const making = kind.inFlightMax === 0 ? undefined : await startNoise(server.address, kind.inFlightMax);
      await work(api, worker, server, phase, options.seconds / ROUNDS);
      if (making !== undefined) reports.push(await endNoise(making));
    }
  }
  worker.stop();
  for (const each of apis) each.close();
  await server.kill('SIGTERM');
  const alone = phases[0]?.phase ?? emptyPhase();
  return phases.map(({ kind, phase, reports }) => rowOf(kind.scenario, phase, { alone, reports, options }));
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

async function startNoise(address: string, inFlightMax: number): Promise<ChildProcess> {
  const rates: NoiseRates = {
    user: QUOTA.user * TIMES,
    polls: QUOTA.worker * TIMES,
    lists: QUOTA.visibility * TIMES,
    inFlightMax,
  };
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

function rowOf(
  scenario: string,
  phase: Phase,
  { alone, reports, options }: { alone: Phase; reports: readonly NoiseReport[]; options: BenchOptions },
): Row {
  const starts = percentiles(phase.starts);
  const workflows = percentiles(phase.workflows);
  const mean = (of: (report: NoiseReport) => number): number =>
    reports.reduce((sum, report) => sum + of(report), 0) / reports.length;
  const noise =
    reports.length === 0
      ? {}
      : {
          'start p99 ×': starts.p99Ms / percentiles(alone.starts).p99Ms,
          'workflow p99 ×': workflows.p99Ms / percentiles(alone.workflows).p99Ms,
          'noise sent per second': mean((report) => report.sentPerSecond),
          'refused per second': mean((report) => report.refusedPerSecond),
          'served per second': mean((report) => report.servedPerSecond),
          'server CPU µs a refused call':
            ((phase.cpuSeconds - alone.cpuSeconds) / options.seconds / mean((report) => report.refusedPerSecond)) * 1e6,
        };
  return {
    scenario,
    values: {
      'start p50 ms': starts.p50Ms,
      'start p99 ms': starts.p99Ms,
      'workflow p50 ms': workflows.p50Ms,
      'workflow p99 ms': workflows.p99Ms,
      errors: phase.errors,
      'server CPU %': (phase.cpuSeconds / options.seconds) * 100,
      ...noise,
    },
  };
}
