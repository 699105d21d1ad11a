// Reads of one run for people, for matching and for other regions.
import {
  ExecutionRecord,
  HistoryPageToken,
  type VersionHistory,
  type VersionHistoryItem,
} from '@antiphon/proto/internal';
import { badRequest, EntityNotExistsError } from '#base';
import { containsItem, currentVersionHistory, encodeState, findLcaItem, type WorkflowState } from '#core';
import type { HistoryClient } from '#rpc';
import type { HistoryContext } from './context.ts';
import { queryResponse, readTaskHistory, takeTaskHistory } from './decision-task.ts';
import { describeRun } from './describe.ts';
import { decodeToken } from './history-api.ts';
import { readBatches } from './history-reader.ts';
import { loadDurableState } from './run-access.ts';
import { readRun } from './run-watch.ts';

type AdminApi = Pick<
  HistoryClient,
  'describeWorkflow' | 'getQueryTask' | 'getRawHistory' | 'describeMutableState' | 'findRecord'
>;

export function createAdminApi(context: HistoryContext): AdminApi {
  const { store } = context.deps;
  return {
    describeWorkflow: (run) => readRun(context, run, ({ state }) => describeRun(state)),

    async getQueryTask(run, { withHistory }) {
      const taken = await readRun(context, run, ({ state, recent }) => ({
        state,
        history: takeTaskHistory(state, recent, 1, []),
      }));
      if (!withHistory) return queryResponse(taken.state, { historyBlobs: [], nextPageToken: new Uint8Array(0) });
      const { pageEventCount } = context.options;
      return queryResponse(
        taken.state,
        await readTaskHistory(store.history, taken.state, taken.history, pageEventCount),
      );
    },

    async getRawHistory({ run, start, end, pageSize, token }) {
      const state = await readRun(context, run, (entry) => entry.state);
      const history = branchFor(state, end ?? start);
      const { branch, items } = history;
      if (branch === undefined) throw badRequest('Invalid version history.');
      const position = token.length > 0 ? decodeToken(token, { ...run, runId: state.info.runId }) : undefined;
      const last = items.at(-1)?.eventId ?? 0;
      const range =
        position === undefined
          ? { from: startEventId(state, history, start), to: Math.min(end?.eventId ?? last + 1, last + 1) }
          : { from: position.firstEventId, to: Math.min(position.nextEventId, last + 1) };
      const page = await readBatches(store.history, branch, range, Math.max(1, pageSize));
      const isEnd = page.nextEventId >= range.to;
      const next = HistoryPageToken.fromPartial({
        domainId: run.domainId,
        workflowId: run.workflowId,
        runId: state.info.runId,
        firstEventId: page.nextEventId,
        nextEventId: range.to,
        branch,
      });
      return {
        batches: page.batches.map((batch) => batch.blob),
        nextPageToken: isEnd ? new Uint8Array(0) : HistoryPageToken.encode(next).finish(),
        versionHistoryItems: items,
      };
    },

    async describeMutableState(run) {
      const state = await readRun(context, run, (entry) => entry.state);
      const json = ExecutionRecord.toJSON(ExecutionRecord.decode(encodeState(state)));
      return { shardId: context.shards.shardOf(run.workflowId), stateJson: JSON.stringify(json) };
    },

    async findRecord(run, { isProven }) {
      const actor = await context.shards.of(run.workflowId);
      const state = await loadDurableState(actor, run);
      await (isProven ? actor.proveOwned() : actor.proveRead());
      return state && encodeState(state);
    },
  };
}

/** The branch that has the event; the current one when none is asked for. */
function branchFor(state: WorkflowState, item: VersionHistoryItem | undefined): VersionHistory {
  const { versionHistories } = state;
  const current = currentVersionHistory(versionHistories);
  if (item === undefined || containsItem(current.items, item)) return current;
  const found = versionHistories.histories.find(({ items }) => containsItem(items, item));
  if (found !== undefined) return found;
  throw new EntityNotExistsError('Version history of the requested event not found.');
}

/** The first event wanted: after `start`, or after where start's branch and this one part. */
function startEventId(state: WorkflowState, history: VersionHistory, start: VersionHistoryItem | undefined): number {
  if (start === undefined) return 1;
  if (containsItem(history.items, start)) return start.eventId + 1;
  const other = state.versionHistories.histories.find(({ items }) => containsItem(items, start));
  const lca = other === undefined ? undefined : findLcaItem(other.items, history.items);
  return (lca?.eventId ?? 0) + 1;
}
