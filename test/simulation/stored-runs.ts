// Reads what a region's store holds, straight from its image: every run with its state and all its branches.
import { History, type HistoryEvent } from '@antiphon/proto';
import { ExecutionState, type HistoryBranch } from '@antiphon/proto/internal';
import { currentVersionHistory, decodeState, type WorkflowState } from '#core';
import type { HistoryStore } from '#persistence';
import { createMemoryStore, type MemoryImage } from '#persistence/memory';

export interface StoredBranch {
  readonly items: readonly { readonly eventId: number; readonly version: number }[];
  readonly events: readonly HistoryEvent[];
}

export interface StoredRun {
  readonly shardId: number;
  readonly domainId: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly state: WorkflowState;
  readonly events: readonly HistoryEvent[];
  readonly otherBranches: readonly StoredBranch[];
  /** The history could not be read. */
  readonly problem: string | undefined;
}

export const isOpenRun = ({ state }: Pick<StoredRun, 'state'>): boolean =>
  state.info.state !== ExecutionState.EXECUTION_STATE_COMPLETED;
export const isZombieRun = ({ state }: Pick<StoredRun, 'state'>): boolean =>
  state.info.state === ExecutionState.EXECUTION_STATE_ZOMBIE;

async function readEvents(history: HistoryStore, branch: HistoryBranch, toEventId: number): Promise<HistoryEvent[]> {
  const range = { minEventId: 1, maxEventId: toEventId };
  const { items } = await history.readBranch(branch, range, { minEvents: Number.MAX_SAFE_INTEGER });
  const events = items.flatMap(({ blob }) => History.decode(blob).events);
  for (const node of items) {
    const decoded = History.decode(node.blob).events;
    if (decoded.length !== node.eventCount || Number(decoded[0]?.eventId) !== node.nodeId) {
      throw new Error(`batch ${node.nodeId} does not hold the events it names`);
    }
  }
  if (events.length !== toEventId - 1) throw new Error(`has ${events.length} events, not ${toEventId - 1}`);
  return events;
}

export async function readRuns(
  image: MemoryImage,
  wanted: (state: WorkflowState) => boolean = () => true,
): Promise<StoredRun[]> {
  const { history } = createMemoryStore(undefined, image);
  const found: StoredRun[] = [];
  for (const [shardId, rows] of [...image.shards].sort(([a], [b]) => a - b)) {
    for (const { key, record, signalRequestIds } of rows.executions.values()) {
      const state = decodeState(record, [...signalRequestIds]);
      if (wanted(state)) found.push(await readRun(history, shardId, key, state));
    }
  }
  return found;
}

async function readRun(
  history: HistoryStore,
  shardId: number,
  key: { domainId: string; workflowId: string; runId: string },
  state: WorkflowState,
): Promise<StoredRun> {
  const current = currentVersionHistory(state.versionHistories);
  const otherBranches: StoredBranch[] = [];
  let events: readonly HistoryEvent[] = [];
  let problem: string | undefined;
  try {
    for (const version of state.versionHistories.histories) {
      if (version.branch === undefined) throw new Error('a version history has no branch');
      const last = version.items.at(-1)?.eventId ?? 0;
      const read = await readEvents(history, version.branch, last + 1);
      if (version === current) events = read;
      else otherBranches.push({ items: version.items, events: read });
    }
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  const { domainId, workflowId, runId } = key;
  return { shardId, domainId, workflowId, runId, state, events, otherBranches, problem };
}
