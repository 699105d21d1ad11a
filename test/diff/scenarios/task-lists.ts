// Task lists, seen from outside: who polls, what waits, which partitions there are.
import { activity } from '../messages.ts';
import type { Player } from '../player.ts';
import { scenariosOf } from '../scenario.ts';

const DECISION = 1;
const ACTIVITY = 2;

const describe = (p: Player, taskListType: number, includeTaskListStatus = false) =>
  p.quiet.workflow.describeTaskList({
    domain: p.domain,
    taskList: { name: p.id('tl') },
    taskListType: taskListType as never,
    includeTaskListStatus,
  });

scenariosOf('task-list', {
  'nobody polled': async (p) => {
    p.show('DescribeTaskList', await describe(p, DECISION));
  },
  'of decisions': async (p) => {
    await p.start();
    await p.pollDecision({ identity: 'one' });
    await p.start({ workflowId: p.id('wf2') });
    await p.pollDecision({ identity: 'two' });
    const { answer } = await describe(p, DECISION);
    p.note('pollers', answer?.pollers.map(({ identity }) => identity).sort());
    p.note(
      'rates',
      answer?.pollers.map(({ ratePerSecond }) => ratePerSecond),
    );
    p.note('the rest', { ...answer, pollers: [] });
  },
  'of activities': async (p) => {
    await p.start();
    await p.turn([activity('a')]);
    await p.pollActivity({ identity: 'one' });
    p.show('DescribeTaskList', await describe(p, ACTIVITY));
  },
  'with status': async (p) => {
    await p.start();
    await p.pollDecision();
    const { answer } = await describe(p, DECISION, true);
    const { taskListStatus, ...rest } = answer ?? {};
    p.note('without the status', rest);
    p.note('status fields', Object.keys(taskListStatus ?? {}).sort());
    p.note('rate', taskListStatus?.ratePerSecond);
    p.note('backlog', taskListStatus?.backlogCountHint);
  },
  'with faults': async (p) => {
    const { workflow } = p.call;
    const taskList = { name: p.id('tl') };
    await workflow.describeTaskList({ domain: '', taskList, taskListType: DECISION });
    await workflow.describeTaskList({ domain: 'diff-unknown', taskList, taskListType: DECISION });
    await workflow.describeTaskList({ domain: p.domain, taskListType: DECISION });
    await workflow.describeTaskList({ domain: p.domain, taskList: { name: '' }, taskListType: DECISION });
    await workflow.describeTaskList({ domain: p.domain, taskList: { name: 'x'.repeat(1001) }, taskListType: DECISION });
    await workflow.describeTaskList({ domain: p.domain, taskList });
  },
  partitions: async (p) => {
    await p.start();
    await p.pollDecision();
    await p.call.workflow.listTaskListPartitions({ domain: p.domain, taskList: { name: p.id('tl') } });
  },
  'partitions with faults': async (p) => {
    const { workflow } = p.call;
    await workflow.listTaskListPartitions({ domain: '', taskList: { name: 'tl' } });
    await workflow.listTaskListPartitions({ domain: 'diff-unknown', taskList: { name: 'tl' } });
    await workflow.listTaskListPartitions({ domain: p.domain });
    await workflow.listTaskListPartitions({ domain: p.domain, taskList: { name: '' } });
  },
  'of a domain': async (p) => {
    await p.start();
    await p.pollDecision();
    const { answer } = await p.quiet.workflow.getTaskListsByDomain({ domain: p.domain });
    const found = answer?.decisionTaskListMap[p.id('tl')];
    p.note(
      'pollers',
      found?.pollers.map(({ identity }) => identity),
    );
    p.note('the rest', { ...found, pollers: [] });
    p.note('as activity list', answer?.activityTaskListMap[p.id('tl')] !== undefined);
  },
  'of a domain, with faults': async (p) => {
    await p.call.workflow.getTaskListsByDomain({ domain: '' });
    await p.call.workflow.getTaskListsByDomain({ domain: 'diff-unknown' });
  },
});
