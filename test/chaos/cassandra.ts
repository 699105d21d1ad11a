// Hosts of one region on a real Cassandra under load and one kind of fault, again and again for some minutes. At the end, at rest, the checkers read
// everything, and every workflow must have completed: no fault may fail one.
import { RegisterDomainRequest } from '@antiphon/proto';
import { type Api, call, openApi } from '../bench/api.ts';
import { type CassandraServer, dropKeyspaces, type Keyspaces, makeKeyspaces } from '../bench/cassandra-server.ts';
import { Journal, kindOf, type RegionSnapshot, type Violation } from '../support/checkers/index.ts';
import { snapshotOf } from '../support/region-snapshot.ts';
import { type Fault, pause, type Scene } from './faults.ts';
import { startFleet } from './fleet.ts';
import { startWorkerProcess, TASK_LIST } from './hosts.ts';
import { startLoad } from './load.ts';
import { watchLogs } from './log-watch.ts';
import { createProber } from './prober.ts';
import { drain } from './quiet.ts';
import { startTcpProxy } from './tcp-proxy.ts';
import { type ChaosResult, tally, violationsOf } from './verdict.ts';

const DOMAIN = 'chaos';
// An outcome is unknown after this long; a caller of the load waits longer, so that it is answered.
const REQUEST_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 10_000;
const GIVE_UP_MS = 120_000;
const SETTLE_MS = 3_000;

export interface CassandraChaosOptions {
  readonly hosts: number;
  readonly shards: number;
  readonly minutes: number;
  readonly clients: number;
  readonly outageMs: number;
  readonly freezeMs: number;
  readonly log: (text: string) => void;
}

export interface CassandraChaosResult extends ChaosResult {
  readonly durations: ReadonlyMap<string, readonly number[]>;
  /** Of calls during outages, by gRPC status. */
  readonly answers: ReadonlyMap<string, number>;
  /** Attempts of one call that had no answer, at most. */
  readonly longestStreak: number;
  readonly largestRssBytes: number;
}

function longestStreak(journal: Journal): number {
  const streaks = new Map<string, number>();
  let longest = 0;
  for (const { requestId, outcome } of journal.entries) {
    if (outcome !== 'unknown') continue;
    const streak = (streaks.get(requestId) ?? 0) + 1;
    streaks.set(requestId, streak);
    longest = Math.max(longest, streak);
  }
  return longest;
}

const notCompleted = (region: RegionSnapshot): Violation[] =>
  region.runs
    .filter((run) => !run.isOpen && kindOf(run.events.at(-1)) !== 'workflowExecutionCompleted')
    .map((run) => ({
      checker: 'no-failed-workflow',
      workflowId: run.workflowId,
      story: `run ${run.runId} ended with ${kindOf(run.events.at(-1))}`,
    }));

async function prepareDomain(addresses: readonly string[]): Promise<void> {
  const apis = addresses.map((address) => openApi(address));
  await call(
    (apis[0] as Api).domain,
    'registerDomain',
    RegisterDomainRequest.fromPartial({
      name: DOMAIN,
      workflowExecutionRetentionPeriod: { seconds: 86_400n, nanos: 0 },
    }),
  );
  for (const api of apis) api.close();
  const prober = createProber({ addresses, domain: DOMAIN, giveUpMs: GIVE_UP_MS });
  await prober.untilServed(performance.now());
  prober.close();
}

/** Occurrences of the fault until the time is over, at least one, with some quiet between them. */
async function harm(fault: Fault, scene: Scene, options: CassandraChaosOptions, journal: Journal): Promise<number> {
  const until = performance.now() + options.minutes * 60_000;
  let count = 0;
  do {
    await pause(1_000 + Math.random() * 4_000);
    await fault.once(scene);
    count++;
    options.log(
      `${fault.title}: ${count}; ${journal.count('acknowledged')} acknowledged, ${journal.count('unknown')} unknown calls`,
    );
  } while (performance.now() < until);
  return count;
}

export async function runCassandraChaos(
  fault: Fault,
  cassandra: CassandraServer,
  options: CassandraChaosOptions,
): Promise<{ readonly result: CassandraChaosResult; readonly cassandra: CassandraServer }> {
  const keyspaces: Keyspaces = await makeKeyspaces(cassandra);
  const proxy = await startTcpProxy(cassandra);
  const store = { ...cassandra, port: proxy.port, keyspaces };
  const logs = watchLogs();
  const fleet = await startFleet(store, options.hosts, {
    shards: options.shards,
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    onLogLine: logs.see,
  });
  await prepareDomain(fleet.addresses);
  const workers = fleet.addresses.map((address) => startWorkerProcess(address, DOMAIN));
  const durations = new Map<string, number[]>();
  const answers = new Map<string, number>();
  const scene: Scene = {
    fleet,
    prober: createProber({ addresses: fleet.addresses, domain: DOMAIN, giveUpMs: GIVE_UP_MS }),
    cassandra,
    proxy,
    outageMs: options.outageMs,
    freezeMs: options.freezeMs,
    measure: (what, ms) => durations.set(what, [...(durations.get(what) ?? []), ms]),
    answered: (status) => answers.set(status, (answers.get(status) ?? 0) + 1),
  };
  const journal = new Journal();
  const load = startLoad({
    journal,
    addresses: fleet.addresses,
    domain: DOMAIN,
    taskList: TASK_LIST,
    clients: options.clients,
    pauseMs: 200,
    attempts: 60,
    callTimeoutMs: CALL_TIMEOUT_MS,
  });
  const kills = await harm(fault, scene, options, journal);
  await load.stop();
  const api = openApi(fleet.addresses[0] as string);
  await drain(api, DOMAIN, load.workflowIds, 120_000);
  await pause(SETTLE_MS);
  const snapshot = await snapshotOf(api, 'region', DOMAIN, load.workflowIds);
  for (const worker of workers) worker.kill('SIGKILL');
  api.close();
  scene.prober.close();
  await fleet.stop();
  await proxy.close();
  await dropKeyspaces(scene.cassandra, keyspaces);
  const result: CassandraChaosResult = {
    kills,
    ...tally(journal, snapshot),
    violations: [...violationsOf(journal, snapshot, logs), ...notCompleted(snapshot)],
    durations,
    answers,
    longestStreak: longestStreak(journal),
    largestRssBytes: fleet.largestRssBytes(),
  };
  return { result, cassandra: scene.cassandra };
}
