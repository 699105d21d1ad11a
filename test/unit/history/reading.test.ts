// Reading: pages, long polls, queries, raw batches.
import { QueryConsistencyLevel, QueryRejectCondition, QueryResultType } from '@antiphon/proto';
import { HistoryPageToken } from '@antiphon/proto/internal';
import { describe, expect, it } from 'vitest';
import { stickyWorkerUnavailable } from '#base';
import {
  complete,
  completeWorkflow,
  DOMAIN,
  eventsOf,
  kindsOf,
  openRegion,
  pollDecision,
  type Region,
  start,
  startTimer,
} from './fixture.ts';

const ORDER = { domainId: DOMAIN, workflowId: 'order-1', runId: '' };
const NO_TOKEN = new Uint8Array(0);
const all = { pageSize: 1_000, token: NO_TOKEN, waitForNewEvent: false, closeEventOnly: false };
const signal = (region: Region, requestId: string) =>
  region.settled(region.history.signalWorkflow(ORDER, { signalName: 's', identity: 'c', requestId }));

describe('a history', () => {
  it('is read in pages of whole batches, each event once', async () => {
    const region = await openRegion({ options: { recentBytesPerRun: 0 } });
    await start(region);
    for (const id of ['a', 'b', 'c', 'd']) await signal(region, id);
    const kinds: string[] = [];
    let token: Uint8Array = NO_TOKEN;
    let pages = 0;
    do {
      const page = await region.settled(region.history.getHistory(ORDER, { ...all, pageSize: 2, token }));
      kinds.push(...kindsOf(page.historyBlobs));
      token = page.nextPageToken;
      pages++;
    } while (token.length > 0);
    expect(kinds).toEqual([
      'workflowExecutionStarted',
      'decisionTaskScheduled',
      ...Array(4).fill('workflowExecutionSignaled'),
    ]);
    expect(pages).toBe(3);
  });

  it('refuses a token of another run, another domain, and one that is none', async () => {
    const region = await openRegion({ options: { recentBytesPerRun: 0 } });
    const { runId } = await start(region);
    for (const id of ['a', 'b']) await signal(region, id);
    const page = await region.settled(region.history.getHistory(ORDER, { ...all, pageSize: 1 }));
    const read = (run: typeof ORDER, token: Uint8Array) =>
      region.settled(region.history.getHistory(run, { ...all, token }));
    await expect(read({ ...ORDER, runId: '11111111-1111-4111-8111-111111111111' }, page.nextPageToken)).rejects.toThrow(
      'RunID in the request does not match the NextPageToken.',
    );
    await expect(read({ ...ORDER, domainId: 'other' }, page.nextPageToken)).rejects.toThrow('Invalid NextPageToken.');
    await expect(read(ORDER, Buffer.from('nonsense'))).rejects.toThrow('Invalid NextPageToken.');
    const forged = HistoryPageToken.decode(page.nextPageToken);
    forged.branch = { treeId: 'another', branchId: 'tree', ancestors: [] };
    await expect(read({ ...ORDER, runId }, HistoryPageToken.encode(forged).finish())).rejects.toThrow('branch');
  });

  it('long polls: waits for the next event, keeps its token while the run is open, ends with the close', async () => {
    const region = await openRegion();
    await start(region);
    const wait = { ...all, waitForNewEvent: true };
    const first = await region.settled(region.history.getHistory(ORDER, wait));
    expect(kindsOf(first.historyBlobs)).toHaveLength(2);
    const pending = region.history.getHistory(ORDER, { ...wait, token: first.nextPageToken });
    await region.advance(500);
    await signal(region, 'a');
    const second = await region.settled(pending);
    expect(kindsOf(second.historyBlobs)).toEqual(['workflowExecutionSignaled']);
    const quiet = await region.settled(region.history.getHistory(ORDER, { ...wait, token: second.nextPageToken }));
    expect(quiet.historyBlobs).toEqual([]);
    expect(quiet.nextPageToken.length).toBeGreaterThan(0);
    const task = await pollDecision(region);
    await complete(region, task.ref, [completeWorkflow()]);
    const last = await region.settled(region.history.getHistory(ORDER, { ...wait, token: quiet.nextPageToken }));
    expect(kindsOf(last.historyBlobs).at(-1)).toBe('workflowExecutionCompleted');
    expect(last.nextPageToken).toHaveLength(0);
  });

  it('gives who waits for the close only the close event', async () => {
    const region = await openRegion();
    await start(region);
    const wait = { ...all, waitForNewEvent: true, closeEventOnly: true };
    const pending = region.history.getHistory(ORDER, wait);
    await region.advance(100);
    await signal(region, 'a');
    const task = await pollDecision(region);
    await complete(region, task.ref, [completeWorkflow()]);
    const page = await region.settled(pending);
    expect(kindsOf(page.historyBlobs)).toEqual(['workflowExecutionCompleted']);
    expect(page.nextPageToken).toHaveLength(0);
    const open = await region.settled(region.history.getHistory(ORDER, { ...all, closeEventOnly: true }));
    expect(kindsOf(open.historyBlobs)).toEqual(['workflowExecutionCompleted']);
  });

  it('a long poll without news answers empty with a token, then ends well on a restart of the poll', async () => {
    const region = await openRegion({ options: { longPollMs: 1_000 } });
    await start(region);
    const wait = { ...all, waitForNewEvent: true, closeEventOnly: true };
    const page = await region.settled(region.history.getHistory(ORDER, wait));
    expect(page.historyBlobs).toEqual([]);
    expect(page.nextPageToken.length).toBeGreaterThan(0);
  });

  it('is given to other regions in raw batches between two events', async () => {
    const region = await openRegion();
    await start(region);
    for (const id of ['a', 'b']) await signal(region, id);
    const raw = await region.settled(
      region.history.getRawHistory({
        run: ORDER,
        start: { eventId: 2, version: -24 },
        end: { eventId: 4, version: -24 },
        pageSize: 100,
        token: NO_TOKEN,
      }),
    );
    expect(eventsOf(raw.batches).map(({ eventId }) => Number(eventId))).toEqual([3]);
    expect(raw.versionHistoryItems).toEqual([{ eventId: 4, version: -24 }]);
  });

  it('of a transient decision shows the worker two events that are not stored', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    await region.settled(
      region.history.respondDecisionTaskFailed({ ...first.ref }, { cause: 14, identity: 'worker', binaryChecksum: '' }),
    );
    const second = await pollDecision(region);
    expect(second.response.attempt).toBe(1n);
    expect(eventsOf(second.historyBlobs).map(({ eventId }) => Number(eventId))).toEqual([1, 2, 3, 4, 5, 6]);
    const page = await region.settled(region.history.getHistory(ORDER, all));
    expect(eventsOf(page.historyBlobs)).toHaveLength(4);
    await complete(region, second.ref, [completeWorkflow()]);
  });
});

describe('a query', () => {
  const ask = (region: Region, consistency: QueryConsistencyLevel, deadlineMs = 5_000) =>
    region.history.queryWorkflow(
      ORDER,
      { queryType: 'state', queryArgs: undefined },
      {
        consistency,
        rejectCondition: QueryRejectCondition.QUERY_REJECT_CONDITION_INVALID,
        deadlineMs: region.env.clock.nowMs() + deadlineMs,
      },
    );
  const EVENTUAL = QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_EVENTUAL;
  const STRONG = QueryConsistencyLevel.QUERY_CONSISTENCY_LEVEL_STRONG;
  const answer = { queryResult: { data: Buffer.from('fine') } };

  it('goes to the sticky worker, and to the normal list when that one is gone', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    const stickyAttributes = {
      workerTaskList: { name: 'sticky-1', kind: 2 as const, baseName: 'orders' },
      scheduleToStartTimeout: { seconds: 5n, nanos: 0 },
    };
    await complete(region, first.ref, [startTimer('t', 600)], { stickyAttributes });
    region.matching.onQuery = async ({ taskList }) => {
      if (taskList.name === 'sticky-1') throw stickyWorkerUnavailable();
      return answer;
    };
    expect(await region.settled(ask(region, EVENTUAL))).toEqual(answer);
    expect(region.matching.queries.map(({ taskList }) => taskList.name)).toEqual(['sticky-1', 'orders']);
  });

  it('waits for the first decision, and fails when there is none in time', async () => {
    const region = await openRegion();
    await start(region);
    await expect(region.settled(ask(region, EVENTUAL))).rejects.toThrow('at least one decision task');
    region.matching.onQuery = async () => answer;
    const pending = ask(region, EVENTUAL, 10_000);
    const first = await pollDecision(region);
    await complete(region, first.ref, [startTimer('t', 600)]);
    expect(await region.settled(pending)).toEqual(answer);
  });

  it('that must see all accepted signals rides on the pending decision', async () => {
    const region = await openRegion();
    await start(region);
    const first = await pollDecision(region);
    await complete(region, first.ref, [startTimer('t', 600)]);
    await signal(region, 'a');
    const pending = ask(region, STRONG);
    await region.advance();
    await expect(region.settled(ask(region, STRONG))).rejects.toThrow('consistent query buffer is full');
    const second = await pollDecision(region);
    const [id] = Object.keys(second.response.queries);
    const result = {
      resultType: QueryResultType.QUERY_RESULT_TYPE_ANSWERED,
      answer: { data: Buffer.from('fine') },
      errorMessage: '',
    };
    await complete(region, second.ref, [], { queryResults: { [id!]: result } });
    expect(await region.settled(pending)).toEqual(answer);
    expect(region.matching.queries).toHaveLength(0);
  });

  it('that its decision did not answer is asked directly', async () => {
    const region = await openRegion();
    region.matching.onQuery = async () => answer;
    await start(region);
    const first = await pollDecision(region);
    await complete(region, first.ref, [startTimer('t', 600)]);
    await signal(region, 'a');
    const pending = ask(region, STRONG);
    await region.advance();
    const second = await pollDecision(region);
    await complete(region, second.ref, [completeWorkflow()]);
    expect(await region.settled(pending)).toEqual(answer);
    const rejected = await region.settled(
      region.history.queryWorkflow(
        ORDER,
        { queryType: 'state', queryArgs: undefined },
        { consistency: EVENTUAL, rejectCondition: QueryRejectCondition.QUERY_REJECT_CONDITION_NOT_OPEN },
      ),
    );
    expect(rejected).toEqual({ queryRejected: { closeStatus: 1 } });
  });
});
