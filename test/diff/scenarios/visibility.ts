// Basic visibility: open and closed runs by time, id, type and status, by pages, and the faults of the filters; queries, which a server
// without advanced visibility refuses.
import { at, complete, failure, failWorkflow } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

const HOUR_MS = 3_600_000;
const hours = () => ({ earliestTime: at(Date.now() - HOUR_MS), latestTime: at(Date.now() + HOUR_MS) });

const byId = (p: Player) => ({ $case: 'executionFilter', value: { workflowId: p.id('wf') } }) as const;

async function awaitListed(p: Player, isOpen: boolean, count: number, workflowId = p.id('wf')): Promise<void> {
  await p.until(`${count} listed`, async () => {
    const filters = { $case: 'executionFilter', value: { workflowId } } as const;
    const request = { domain: p.domain, startTimeFilter: hours(), filters };
    const { answer } = isOpen
      ? await p.quiet.visibility.listOpenWorkflowExecutions(request)
      : await p.quiet.visibility.listClosedWorkflowExecutions(request);
    return answer?.executions.length === count;
  });
}

scenariosOf('visibility', {
  'an open run': async (p) => {
    await p.start({ memo: { fields: { m: { data: Buffer.from('v') } } } });
    await awaitListed(p, true, 1);
    await p.call.visibility.listOpenWorkflowExecutions({
      domain: p.domain,
      startTimeFilter: hours(),
      filters: byId(p),
    });
    await p.call.visibility.listClosedWorkflowExecutions({
      domain: p.domain,
      startTimeFilter: hours(),
      filters: byId(p),
    });
  },
  'a closed run': async (p) => {
    await p.start();
    await p.turn([complete()]);
    await awaitListed(p, false, 1);
    await p.call.visibility.listClosedWorkflowExecutions({
      domain: p.domain,
      startTimeFilter: hours(),
      filters: byId(p),
    });
    await p.call.visibility.listOpenWorkflowExecutions({
      domain: p.domain,
      startTimeFilter: hours(),
      filters: byId(p),
    });
  },
  'a cron run': async (p) => {
    await p.start({ cronSchedule: '@every 100h' });
    await awaitListed(p, true, 1);
    await p.call.visibility.listOpenWorkflowExecutions({
      domain: p.domain,
      startTimeFilter: hours(),
      filters: byId(p),
    });
  },
  'runs of a type': async (p) => {
    const workflowType = { name: p.id('Type') };
    await p.start({ workflowType });
    await p.start({ workflowType, workflowId: p.id('wf2'), taskList: { name: p.id('tl2') } });
    await p.turn([failWorkflow({ failure: failure('bad') })], { taskList: p.id('tl2') });
    await awaitListed(p, true, 1);
    await awaitListed(p, false, 1, p.id('wf2'));
    const filters = { $case: 'typeFilter', value: workflowType } as const;
    await p.call.visibility.listOpenWorkflowExecutions({ domain: p.domain, startTimeFilter: hours(), filters });
    await p.call.visibility.listClosedWorkflowExecutions({ domain: p.domain, startTimeFilter: hours(), filters });
  },
  'runs by pages': async (p) => {
    const workflowType = { name: p.id('Type') };
    for (const name of ['1', '2', '3']) {
      await p.start({ workflowType, workflowId: p.id(name) });
      await awaitListed(p, true, 1, p.id(name));
      await p.sleep(10);
    }
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      const { answer } = await p.quiet.visibility.listOpenWorkflowExecutions({
        domain: p.domain,
        pageSize: 2,
        nextPageToken,
        startTimeFilter: hours(),
        filters: { $case: 'typeFilter', value: workflowType },
      });
      nextPageToken = answer?.nextPageToken ?? new Uint8Array();
      p.note(
        'page',
        answer?.executions.map(({ workflowExecution }) => workflowExecution?.workflowId),
      );
    } while (nextPageToken.length > 0);
  },
  'runs of a status': async (p) => {
    const { runId } = await p.start();
    await p.turn([failWorkflow({ failure: failure('bad') })]);
    await awaitListed(p, false, 1);
    const { answer } = await p.quiet.visibility.listClosedWorkflowExecutions({
      domain: p.domain,
      startTimeFilter: { earliestTime: at(Date.now() - 60_000), latestTime: at(Date.now() + 60_000) },
      filters: { $case: 'statusFilter', value: { status: 2 } },
    });
    p.note(
      'found',
      answer?.executions.some(({ workflowExecution }) => workflowExecution?.runId === runId),
    );
    p.note('statuses', [...new Set(answer?.executions.map(({ closeStatus }) => closeStatus))]);
  },
  'open runs with faults': async (p) => {
    const list = p.call.visibility.listOpenWorkflowExecutions;
    const { domain } = p;
    await list({ domain: '', startTimeFilter: hours() });
    await list({ domain: 'diff-unknown', startTimeFilter: hours() });
    await list({ domain });
    await list({ domain, startTimeFilter: {} });
    await list({ domain, startTimeFilter: { earliestTime: at(Date.now()) } });
    await list({ domain, startTimeFilter: { latestTime: at(Date.now()) } });
    await list({ domain, startTimeFilter: { earliestTime: at(Date.now()), latestTime: at(Date.now() - HOUR_MS) } });
    await list({ domain, startTimeFilter: hours(), nextPageToken: Buffer.from('garbage') });
    await list({
      domain,
      startTimeFilter: hours(),
      filters: { $case: 'executionFilter', value: { workflowId: 'none' } },
    });
    await list({ domain, startTimeFilter: hours(), filters: { $case: 'typeFilter', value: { name: 'none' } } });
  },
  'closed runs with faults': async (p) => {
    const list = p.call.visibility.listClosedWorkflowExecutions;
    const { domain } = p;
    await list({ domain: '', startTimeFilter: hours() });
    await list({ domain });
    await list({ domain, startTimeFilter: {} });
    await list({ domain, startTimeFilter: { earliestTime: at(Date.now()), latestTime: at(Date.now() - HOUR_MS) } });
    await list({ domain, startTimeFilter: hours(), nextPageToken: Buffer.from('garbage') });
    await list({ domain, startTimeFilter: hours(), filters: { $case: 'typeFilter', value: { name: 'none' } } });
  },
  'queries without a domain': async (p) => {
    await p.call.visibility.listWorkflowExecutions({ domain: '', query: '' });
    await p.call.visibility.scanWorkflowExecutions({ domain: '', query: '' });
    await p.call.visibility.countWorkflowExecutions({ domain: '', query: '' });
    await p.call.visibility.listArchivedWorkflowExecutions({ domain: '', query: '' });
  },
  'the archive where there is none': async (p) => {
    await p.call.visibility.listArchivedWorkflowExecutions({ domain: p.domain, query: '', pageSize: 10 });
    await p.call.visibility.listArchivedWorkflowExecutions({ domain: p.domain, query: '', pageSize: 100_000 });
    await p.call.visibility.listArchivedWorkflowExecutions({ domain: 'diff-unknown', query: '' });
  },
  'a query': async (p) => {
    const query = `WorkflowID = '${p.id('wf')}'`;
    await p.call.visibility.listWorkflowExecutions({ domain: p.domain, query });
    await p.call.visibility.scanWorkflowExecutions({ domain: p.domain, query });
    await p.call.visibility.countWorkflowExecutions({ domain: p.domain, query });
  },
  'a query that is none': async (p) => {
    const query = 'Colour = red and';
    await p.call.visibility.listWorkflowExecutions({ domain: p.domain, query });
    await p.call.visibility.scanWorkflowExecutions({ domain: p.domain, query });
    await p.call.visibility.countWorkflowExecutions({ domain: p.domain, query });
  },
  'search attributes': async (p) => {
    await p.call.visibility.getSearchAttributes({});
  },
});
