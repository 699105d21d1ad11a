// Child process of the crash test: commits without end, telling its parent each commit that was acknowledged. It is
// killed, never stopped.
import { createRealEnv } from '#env';
import { createSqliteStore } from '#persistence/sqlite';
import { branchOf, branchRow, currentRun, emptyCommit, execution, node, transferTask } from './rows.ts';

const path = process.argv[2] ?? '';
const store = createSqliteStore({ path }, createRealEnv());
const SHARDS = [1, 2, 3];

async function commitForever(shardId: number): Promise<void> {
  const { rangeId } = await store.shards.acquireShard(shardId, `pid ${process.pid}`, 1);
  for (let count = 1; ; count++) {
    const workflowId = `${shardId}-${rangeId}-${count}`;
    const branch = branchOf(workflowId, 'a');
    await store.shards.commit(shardId, rangeId, {
      ...emptyCommit,
      branches: [branchRow(branch)],
      nodes: [node(branch, 1, 2), node(branch, 3, 1)],
      executions: [execution(workflowId, { addedSignalRequestIds: ['s'] })],
      currentRuns: [currentRun(workflowId)],
      transferTasks: [transferTask(rangeId * 2 ** 20 + count)],
    });
    process.stdout.write(`${workflowId}\n`);
  }
}

await Promise.all(SHARDS.map(commitForever));
