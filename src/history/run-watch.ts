// Reading a run as it is durable, and waiting for it to change. A waiter costs one entry in the shard's watch list and one in its alarm heap.
import { cancelled, deferred } from '#base';
import type { RunRef } from '#rpc';
import type { HistoryContext } from './context.ts';
import type { RunEntry } from './workflow-cache.ts';

/** What `take` makes of the run, given out when everything it may have seen is durable. EntityNotExists when there is no such run. */
export async function readRun<T>(context: HistoryContext, ref: RunRef, take: (entry: RunEntry) => T): Promise<T> {
  const actor = await context.shards.of(ref.workflowId);
  const taken = await actor.exclusive(ref.domainId, ref.workflowId, (slot) => {
    const entry = actor.peekRun(slot, ref.runId);
    return entry === undefined ? actor.loadRun(slot, ref.runId).then(take) : take(entry);
  });
  const proof = actor.proveRead();
  if (proof !== undefined) await proof;
  return taken;
}

/**
 * Reads the run until `take` gives something, again after each change; undefined at the deadline. `ref` names its run.
 */
export async function waitForRun<T>(
  context: HistoryContext,
  ref: RunRef,
  deadlineMs: number,
  signal: AbortSignal | undefined,
  take: (entry: RunEntry) => T | undefined,
): Promise<T | undefined> {
  const { clock } = context.deps.env;
  for (;;) {
    if (signal?.aborted) throw cancelled('The caller is gone');
    const actor = await context.shards.of(ref.workflowId);
    const changed = deferred<void>();
    const wake = (): void => changed.resolve();
    // Before the read: a change after the read finds us.
    const unwatch = actor.watch(ref.runId, wake);
    signal?.addEventListener('abort', wake, { once: true });
    const alarm = actor.alarms.at(deadlineMs, wake);
    try {
      const taken = await readRun(context, ref, take);
      if (taken !== undefined || clock.nowMs() >= deadlineMs) return taken;
      await changed.promise;
      // Not read once more: that may ask the store for longer than the caller waits, and he can ask again.
      if (clock.nowMs() >= deadlineMs) return undefined;
    } finally {
      unwatch();
      alarm.cancel();
      signal?.removeEventListener('abort', wake);
    }
  }
}
