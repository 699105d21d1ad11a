// Reading histories page by page, and waiting for their next events (semantics §1.9).
import type { HistoryEvent } from '@antiphon/proto';
import { type HistoryBranch, HistoryPageToken, type VersionHistoryItem } from '@antiphon/proto/internal';
import { badRequest, ServiceError } from '#base';
import { containsItem, currentVersionHistory, type WorkflowState } from '#core';
import { HISTORY_LONG_POLL } from '#dynamicconfig';
import type { HistoryClient, RunRef } from '#rpc';
import type { HistoryContext } from './context.ts';
import { decodeEvents, encodeEvents, readBatches } from './history-reader.ts';
import type { RecentBatch } from './recent-events.ts';
import { branchOf, isOpen } from './run-state.ts';
import { readRun, waitForRun } from './run-watch.ts';
import type { RunEntry } from './workflow-cache.ts';

type Page = Awaited<ReturnType<HistoryClient['getHistory']>>;
type Options = Parameters<HistoryClient['getHistory']>[1];

const NO_TOKEN = new Uint8Array(0);
const EMPTY: Page = { historyBlobs: [], nextPageToken: NO_TOKEN };
// An answer needs time to reach its caller: a share of what the caller gave, so that a busy host is not late either.
const ANSWER_SHARE = 0.1;
const ANSWER_MS_MIN = 50;
const ANSWER_MS_MAX = 1000;
const PAGE_EVENTS_MAX = 1_000;

/** What is taken of a run in one turn. */
interface Snapshot {
  readonly state: WorkflowState;
  readonly branch: HistoryBranch;
  readonly isRunning: boolean;
  readonly nextEventId: number;
  readonly versionItem: VersionHistoryItem | undefined;
  readonly closeEvent: HistoryEvent | undefined;
  /** The newest events from the wanted one on, when all are in memory. */
  readonly recent: readonly RecentBatch[] | undefined;
}

export function createHistoryApi(context: HistoryContext): Pick<HistoryClient, 'getHistory'> {
  const { env, store, domains, config } = context.deps;

  const snapshot = (entry: RunEntry, fromEventId: number): Snapshot => {
    const { state, recent } = entry;
    const branch = branchOf(state);
    const { nextEventId } = state.info;
    const isRunning = isOpen(state);
    return {
      state,
      branch,
      isRunning,
      nextEventId,
      versionItem: currentVersionHistory(state.versionHistories).items.at(-1),
      closeEvent: isRunning ? undefined : recent.find(branch.branchId, nextEventId - 1),
      recent: recent.range(branch.branchId, fromEventId, nextEventId),
    };
  };

  const longPoll = config?.property(HISTORY_LONG_POLL);
  const waitDeadlineMs = ({ deadlineMs }: Options, { domainId }: RunRef): number => {
    const configuredMs = longPoll?.ofDomain(domains.peekById(domainId)?.name ?? '');
    const latestMs = env.clock.nowMs() + (configuredMs ?? context.options.longPollMs);
    if (deadlineMs === undefined) return latestMs;
    const share = (deadlineMs - env.clock.nowMs()) * ANSWER_SHARE;
    return Math.min(latestMs, deadlineMs - Math.min(ANSWER_MS_MAX, Math.max(ANSWER_MS_MIN, share)));
  };

  const closeEventPage = async (taken: Snapshot, token: HistoryPageToken, options: Options): Promise<Page> => {
    if (taken.isRunning) {
      return options.waitForNewEvent ? { historyBlobs: [], nextPageToken: encodeToken(token) } : EMPTY;
    }
    let event = taken.closeEvent;
    if (event === undefined) {
      const range = { from: taken.state.info.lastFirstEventId, to: taken.nextEventId };
      const { batches } = await readBatches(store.history, taken.branch, range, PAGE_EVENTS_MAX);
      event = decodeEvents(batches.at(-1)?.blob ?? NO_TOKEN).at(-1);
    }
    return { historyBlobs: event === undefined ? [] : [encodeEvents([event])], nextPageToken: NO_TOKEN };
  };

  const eventsPage = async (taken: Snapshot, token: HistoryPageToken, options: Options): Promise<Page> => {
    if (token.firstEventId >= token.nextEventId) {
      return taken.isRunning ? { historyBlobs: [], nextPageToken: encodeToken(token) } : EMPTY;
    }
    const pageSize = options.pageSize > 0 ? Math.min(options.pageSize, PAGE_EVENTS_MAX) : PAGE_EVENTS_MAX;
    const range = { from: token.firstEventId, to: token.nextEventId };
    const { recent } = taken;
    const isInMemory =
      recent !== undefined && taken.nextEventId === range.to && range.to - range.from <= pageSize && recent.length > 0;
    const branch = token.branch ?? taken.branch;
    const page = isInMemory
      ? { batches: recent, nextEventId: range.to }
      : await readBatches(store.history, branch, range, pageSize);
    const historyBlobs = page.batches.map((batch) => batch.blob);
    token.firstEventId = page.nextEventId;
    if (page.nextEventId < token.nextEventId) return { historyBlobs, nextPageToken: encodeToken(token) };
    if (token.transientEvents.length > 0) {
      historyBlobs.push(encodeEvents(token.transientEvents));
      token.transientEvents = [];
    }
    const goesOn = token.isWorkflowRunning && options.waitForNewEvent;
    return { historyBlobs, nextPageToken: goesOn ? encodeToken(token) : NO_TOKEN };
  };

  /** The first page: what there is now. */
  const begin = async (run: RunRef, options: Options): Promise<Page> => {
    let taken = await readRun(context, run, (entry) => snapshot(entry, 1));
    const { runId } = taken.state.info;
    if (options.closeEventOnly && options.waitForNewEvent && taken.isRunning) {
      const closed = await waitForRun(
        context,
        { ...run, runId },
        waitDeadlineMs(options, run),
        options.signal,
        (entry) => (isOpen(entry.state) ? undefined : snapshot(entry, 1)),
      );
      taken = closed ?? taken;
    }
    const token = HistoryPageToken.fromPartial({
      domainId: run.domainId,
      workflowId: run.workflowId,
      runId,
      firstEventId: options.closeEventOnly ? taken.nextEventId : 1,
      nextEventId: taken.nextEventId,
      isWorkflowRunning: taken.isRunning,
      branch: taken.branch,
      versionHistoryItem: taken.versionItem,
    });
    return options.closeEventOnly ? closeEventPage(taken, token, options) : eventsPage(taken, token, options);
  };

  /** A later page, after waiting for news when there are no more known events. */
  const goOn = async (run: RunRef, token: HistoryPageToken, options: Options): Promise<Page> => {
    const ref = { ...run, runId: token.runId };
    const isAtEnd = token.firstEventId >= token.nextEventId || options.closeEventOnly;
    const waits = options.waitForNewEvent && token.isWorkflowRunning && isAtEnd;
    if (!waits) {
      const taken = await readRun(context, ref, (entry) => snapshot(entry, token.firstEventId));
      requireBranch(taken.state, token);
      return options.closeEventOnly ? closeEventPage(taken, token, options) : eventsPage(taken, token, options);
    }
    const news = await waitForRun(context, ref, waitDeadlineMs(options, run), options.signal, (entry) => {
      requireCurrentBranch(entry.state, token);
      const isNews = options.closeEventOnly ? false : entry.state.info.nextEventId > token.nextEventId;
      return isNews || !isOpen(entry.state) ? snapshot(entry, token.nextEventId) : undefined;
    });
    if (news === undefined) return { historyBlobs: [], nextPageToken: encodeToken(token) };
    token.firstEventId = token.nextEventId;
    token.nextEventId = news.nextEventId;
    token.isWorkflowRunning = news.isRunning;
    token.branch = news.branch;
    token.versionHistoryItem = news.versionItem;
    return options.closeEventOnly ? closeEventPage(news, token, options) : eventsPage(news, token, options);
  };

  return {
    async getHistory(run, options) {
      if (options.token.length === 0) return begin(run, options);
      return goOn(run, decodeToken(options.token, run), options);
    },
  };
}

const encodeToken = (token: HistoryPageToken): Uint8Array => HistoryPageToken.encode(token).finish();

/** Tokens are input: one of another domain, workflow or run is refused. */
export function decodeToken(bytes: Uint8Array, run: RunRef): HistoryPageToken {
  let token: HistoryPageToken;
  try {
    token = HistoryPageToken.decode(bytes);
  } catch (cause) {
    throw badRequest('Invalid NextPageToken.', { cause });
  }
  if (run.runId !== '' && token.runId !== run.runId) {
    throw badRequest('RunID in the request does not match the NextPageToken.');
  }
  const isOurs = token.domainId === run.domainId && token.workflowId === run.workflowId && token.runId !== '';
  if (!isOurs || token.firstEventId < 1 || token.nextEventId < 1) throw badRequest('Invalid NextPageToken.');
  return token;
}

/** Puts the run's own branch in place of what the token says of it: a forged token must not read another tree. */
function requireBranch(state: WorkflowState, token: HistoryPageToken): void {
  const history = state.versionHistories.histories.find(
    ({ branch }) => branch?.treeId === token.branch?.treeId && branch?.branchId === token.branch?.branchId,
  );
  if (history?.branch === undefined) throw branchChanged();
  token.branch = history.branch;
  token.nextEventId = Math.min(token.nextEventId, (history.items.at(-1)?.eventId ?? 0) + 1);
}

/** While someone waits, conflict resolution may put another branch in place: what he has read is then not this run's history. */
function requireCurrentBranch(state: WorkflowState, token: HistoryPageToken): void {
  const { versionHistoryItem } = token;
  const { items } = currentVersionHistory(state.versionHistories);
  if (versionHistoryItem !== undefined && !containsItem(items, versionHistoryItem)) throw branchChanged();
}

const branchChanged = (): ServiceError =>
  new ServiceError(
    'CurrentBranchChanged',
    'Current branch of the workflow has changed, please read its history again.',
  );
