// A shard's replication tasks as the publisher sees them: rows to load, a level to acknowledge, a call when there are new ones.
import type { HistoryBranch, ReplicationTask } from '@antiphon/proto/internal';
import type { WorkflowState } from '#core';
import type { RunKey } from '#persistence';
import type { ReplicationQueue } from '#replication';
import { readBatches } from './history-reader.ts';
import type { ShardActor } from './shard-actor.ts';

const EVENTS_PER_READ = 1_000;

export class ReplicationFeed implements ReplicationQueue {
  readonly #actor: ShardActor;
  readonly #listeners = new Set<() => void>();
  #ackLevel: number;

  constructor(actor: ShardActor, ackLevel: number) {
    this.#actor = actor;
    this.#ackLevel = ackLevel;
  }

  get shardId(): number {
    return this.#actor.shardId;
  }

  get ackLevel(): number {
    return this.#ackLevel;
  }

  load(afterTaskId: number, limit: number): Promise<readonly ReplicationTask[]> {
    return this.#actor.deps.store.shards.loadReplicationTasks(this.shardId, afterTaskId, limit);
  }

  async barrier(): Promise<number> {
    await this.#actor.proveOwned();
    return this.#actor.taskIds.next();
  }

  acknowledge(taskId: number): void {
    if (taskId > this.#ackLevel) this.#ackLevel = taskId;
  }

  onNewTasks(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async readEvents(branch: HistoryBranch, minEventId: number, maxEventId: number): Promise<readonly Uint8Array[]> {
    const blobs: Uint8Array[] = [];
    let from = minEventId;
    while (from < maxEventId) {
      const range = { from, to: maxEventId };
      const page = await readBatches(this.#actor.deps.store.history, branch, range, EVENTS_PER_READ);
      for (const batch of page.batches) blobs.push(batch.blob);
      from = page.nextEventId;
    }
    return blobs;
  }

  loadRun(key: RunKey): Promise<WorkflowState | undefined> {
    return this.#actor.exclusive(
      key.domainId,
      key.workflowId,
      async (slot) => (await this.#actor.findRun(slot, key.runId))?.state,
    );
  }

  announce(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  close(): void {
    this.#listeners.clear();
  }
}
