import { type Decision, ListArchivedWorkflowExecutionsRequest } from '@antiphon/proto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createArchiveInspector } from '#archival';
import { createBlobStores } from '#blob';
import { createMemoryStore } from '#persistence/memory';
import {
  decide,
  openTwoRegions,
  registerDomain,
  signal,
  start,
  type TwoRegions,
  untilEqual,
  visibleHistory,
} from './two-regions.ts';

const DOMAIN = 'shop';
const URI = 'memory://archive';
const complete: Decision['attributes'] = {
  $case: 'completeWorkflowExecutionDecisionAttributes',
  value: { result: { data: Buffer.from('done') } },
};

describe('archival in two regions with one bucket', () => {
  let regions: TwoRegions;
  beforeEach(async () => {
    const archival = { isConfigured: true, defaultEnabled: true, defaultUri: URI };
    regions = await openTwoRegions({
      domains: { retentionMsMin: 0, historyArchival: archival, visibilityArchival: archival },
    });
    await registerDomain(regions, DOMAIN, 2);
  });
  afterEach(() => regions.close());

  it('archives before retention deletes, and goes on answering from the archive', async () => {
    const { a, b, bucket, until } = regions;
    const runId = await start(a, DOMAIN, 'order');
    await signal(a, DOMAIN, 'order', 'hurry');
    await decide(a, DOMAIN, 'order', complete);
    const live = await untilEqual(regions, DOMAIN, 'order', runId);
    for (const region of [a, b]) {
      await until('retention has taken the run', async () => {
        const page = await visibleHistory(region, DOMAIN, 'order', runId);
        return page.archived;
      });
      const page = await visibleHistory(region, DOMAIN, 'order', runId);
      expect(page.history?.events.map(({ eventId }) => Number(eventId))).toEqual([1, 2, 3, 4, 5, 6]);
      const { executions } = await region.client.visibility.listArchivedWorkflowExecutions(
        ListArchivedWorkflowExecutionsRequest.fromPartial({
          domain: DOMAIN,
          pageSize: 10,
          query: "WorkflowType = 'Order' and CloseStatus = 'COMPLETED'",
        }),
      );
      expect(executions.map(({ workflowExecution }) => workflowExecution?.runId)).toEqual([runId]);
    }
    const domainId = (await a.region.domains.byName(DOMAIN)).id;
    for (const cluster of ['a', 'b']) {
      const inspector = createArchiveInspector(
        { blobs: createBlobStores({ memory: () => bucket }), keyValues: createMemoryStore().keyValues },
        { cluster },
      );
      const report = await inspector.verify({ uri: URI, domainId });
      expect(report).toMatchObject({ isIntact: true, runsChecked: 1, eventsChecked: 6, findings: [] });
      const { lines } = await inspector.showArchive({ uri: URI, domainId }, { workflowId: 'order', runId });
      expect(lines).toHaveLength(1);
    }
    expect(live.length).toBeGreaterThan(0);
  });
});
