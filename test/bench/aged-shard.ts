// Does a shard on Cassandra stay as fast as a new one? Runs are made, worked on, closed and removed by retention on one shard, as the history service
// commits them, and at every checkpoint the reads of a new owner are timed, and a commit. Usage:
//   node --conditions=antiphon-src --import tsx test/bench/aged-shard.ts [runs] [checkpoints]
import { parseArgs } from 'node:util';
import { createRealEnv, uuidV7 } from '#env';
import { createCassandraStore } from '#persistence/cassandra';
import {
  branchOf,
  branchRow,
  currentRun,
  emptyCommit,
  execution,
  node,
  replicationTask,
  timerTask,
  transferTask,
} from '../contract/store/rows.ts';
import { dropKeyspaces, makeKeyspaces, startCassandra } from './cassandra-server.ts';

const { positionals } = parseArgs({ allowPositionals: true });
const runs = Number(positionals[0] ?? 100_000);
const checkpoints = Number(positionals[1] ?? 4);
const SHARD = 1;
const RUNS_PER_COMMIT = 250;
const TIMERS_PER_RUN = 3;
const RECORD = new Uint8Array(600).fill(7);

const env = createRealEnv();
const server = await startCassandra('bench');
const keyspaces = await makeKeyspaces(server);
const store = await createCassandraStore(
  {
    contactPoints: [`${server.host}:${server.port}`],
    localDataCenter: server.localDataCenter,
    keyspace: keyspaces.history,
  },
  env,
);

async function time(work: () => Promise<unknown>): Promise<string> {
  const rounds = 20;
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  return (times[rounds / 2] as number).toFixed(1).padStart(8);
}

let taskId = 0;
let lease = await store.shards.acquireShard(SHARD, 'bench', Date.now());

async function workOn(ids: readonly string[]): Promise<void> {
  const { rangeId } = lease;
  const firedMs = Date.now();
  const keys = ids.map((workflowId) => ({ workflowId, runId: uuidV7(env) }));
  const writes = (nextEventId: number, isNew: boolean) =>
    keys.map(({ workflowId, runId }) => {
      const { key, ...rest } = execution(workflowId, { record: RECORD, nextEventId, isNew, isOpen: nextEventId < 11 });
      return { ...rest, key: { ...key, runId } };
    });
  const currents = (isOpen: boolean) => keys.map(({ workflowId, runId }) => currentRun(workflowId, { runId, isOpen }));
  const branches = keys.map(({ runId }) => branchOf(runId, 'a'));
  const timers = keys.flatMap(() => Array.from({ length: TIMERS_PER_RUN }, () => timerTask(firedMs, ++taskId)));
  await store.shards.commit(SHARD, rangeId, {
    ...emptyCommit,
    branches: branches.map(branchRow),
    nodes: branches.map((branch) => node(branch, 1, 2)),
    executions: writes(3, true),
    currentRuns: currents(true),
    transferTasks: keys.map(() => transferTask(++taskId)),
    replicationTasks: keys.map(() => replicationTask(++taskId)),
    timerTasks: timers,
  });
  await store.shards.commit(SHARD, rangeId, {
    ...emptyCommit,
    nodes: branches.map((branch) => node(branch, 3, 8)),
    executions: writes(11, false),
    currentRuns: currents(false),
    transferTasks: keys.map(() => transferTask(++taskId)),
    replicationTasks: keys.map(() => replicationTask(++taskId)),
    deletedTimers: timers,
  });
  const { info } = lease;
  await store.shards.commit(SHARD, rangeId, {
    ...emptyCommit,
    deletedRuns: writes(11, false).map(({ key }) => key),
    shardInfo: { ...info, transferAckLevel: taskId, replicationAckLevel: taskId, timerAckMs: firedMs + 1 },
  });
  await Promise.all(branches.map((branch) => store.history.deleteBranch(branch)));
}

async function report(done: number): Promise<void> {
  const { shards } = store;
  lease = await shards.acquireShard(SHARD, 'bench', Date.now());
  const acks = lease.info;
  const columns = [
    await time(() => shards.loadTransferTasks(SHARD, acks.transferAckLevel, 1_000)),
    await time(() => shards.loadReplicationTasks(SHARD, acks.replicationAckLevel, 1_000)),
    await time(() => shards.loadTimerTasks(SHARD, { fireTimeMs: -1, taskId: 0 }, Date.now() + 60_000, 1_000)),
    await time(() => shards.nextTimerMs(SHARD, 0)),
    await time(() => shards.loadCurrentRun(SHARD, 'd', 'w')),
    await time(() => shards.commit(SHARD, lease.rangeId, { ...emptyCommit, transferTasks: [transferTask(++taskId)] })),
  ];
  const start = performance.now();
  const listed = (await shards.listExecutions(SHARD, undefined, 10)).items.length;
  columns.push((performance.now() - start).toFixed(1).padStart(8));
  console.log(`${String(done).padStart(9)} ${columns.join(' ')}   ${listed} runs listed`);
}

console.log(
  '     runs transfer replicat   timers nextTime  current   commit  listing   (ms, median of 20; listing once)',
);
await report(0);
await report(0);
for (let done = 0, next = runs / checkpoints; done < runs; ) {
  await workOn(Array.from({ length: RUNS_PER_COMMIT }, (_, index) => `workflow-${done + index}`));
  done += RUNS_PER_COMMIT;
  if (done < next) continue;
  await report(done);
  next += runs / checkpoints;
}
await store.close();
await dropKeyspaces(server, keyspaces);
await server.stop();
