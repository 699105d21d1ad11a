// Polls and answers of workers, with bad deadlines and bad tokens.
import { encodeQueryTaskToken, encodeTaskToken } from '#rpc';
import { type BadInput, bad, type Domains, LONG, list, missing, OTHER_RUN, RUN, row, seconds, text } from './row.ts';

export function polls(): BadInput[] {
  const poll = { domain: 'shop', taskList: list('orders'), identity: 'tests' };
  const limit = { taskListMetadata: { maxTasksPerSecond: -1 } };
  return [
    row('no deadline', 'worker', 'pollForDecisionTask', poll, bad('Context timeout is not set.'), null),
    row('no deadline', 'worker', 'pollForActivityTask', poll, bad('Context timeout is not set.'), null),
    row(
      'a deadline that is too short',
      'worker',
      'pollForDecisionTask',
      poll,
      bad('Context timeout is too short.'),
      1500,
    ),
    row(
      'no task list',
      'worker',
      'pollForDecisionTask',
      { ...poll, taskList: undefined },
      bad('TaskList is not set on request.'),
    ),
    row(
      'an identity that is too long',
      'worker',
      'pollForActivityTask',
      { ...poll, identity: LONG },
      bad('Identity length exceeds limit.'),
    ),
    row('no domain', 'worker', 'pollForActivityTask', { ...poll, domain: '' }, bad('Domain not set on request.')),
    row(
      'an unknown domain',
      'worker',
      'pollForActivityTask',
      { ...poll, domain: 'nowhere' },
      missing('Domain nowhere does not exist.'),
    ),
    row(
      'a negative rate',
      'worker',
      'pollForActivityTask',
      { ...poll, ...limit },
      bad('MaxTasksPerSecond cannot be less than 0.'),
    ),
  ];
}

export function answers(domains: Domains): BadInput[] {
  const ids = { workflowId: 'nobody', runId: RUN, scheduleId: 5, scheduleAttempt: 0 };
  const taskToken = encodeTaskToken({ ...ids, domainId: domains.shop });
  const foreign = encodeTaskToken({ ...ids, domainId: OTHER_RUN });
  const query = encodeQueryTaskToken({ ...ids, domainId: domains.shop, taskList: 'orders', taskId: 'gone' });
  const unset = bad('Task token not set on request.');
  const invalid = bad('Invalid TaskToken.');
  const unknownDomain = missing(`Domain ${OTHER_RUN} does not exist.`);
  const byId = { domain: 'shop', workflowExecution: { workflowId: 'nobody', runId: '' }, activityId: 'a' };
  const answered = { resultType: 1 as const, answer: undefined, errorMessage: '' };
  return [
    row('no token', 'worker', 'respondDecisionTaskCompleted', {}, unset),
    row(
      'a token that is garbage',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken: Uint8Array.of(0xff, 0) },
      invalid,
    ),
    row('a token of arrays', 'worker', 'respondDecisionTaskCompleted', { taskToken: text('[[[[]]]]') }, invalid),
    row(
      'a token with a negative event',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken: encodeTaskToken({ ...ids, domainId: domains.shop, scheduleId: -5 }) },
      invalid,
    ),
    row(
      'a token of ten megabytes',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken: new Uint8Array(10 << 20) },
      invalid,
    ),
    row('a token of no domain', 'worker', 'respondDecisionTaskCompleted', { taskToken: foreign }, unknownDomain),
    row('a token of no run', 'worker', 'respondDecisionTaskCompleted', { taskToken }, missing(/./)),
    row(
      'an identity that is too long',
      'worker',
      'respondDecisionTaskCompleted',
      { taskToken, identity: LONG },
      bad('Identity length exceeds limit.'),
    ),
    row(
      'a sticky timeout beyond 32 bits',
      'worker',
      'respondDecisionTaskCompleted',
      {
        taskToken,
        stickyAttributes: { workerTaskList: list('sticky', 2), scheduleToStartTimeout: seconds(2n ** 31n) },
      },
      bad('ScheduleToStartTimeoutSeconds is out of range on StickyAttributes.'),
    ),
    row('no token', 'worker', 'respondDecisionTaskFailed', {}, unset),
    row(
      'an unknown cause',
      'worker',
      'respondDecisionTaskFailed',
      { taskToken, cause: 250 as 1 },
      bad('250 is not a valid DecisionTaskFailedCause.'),
    ),
    row('no token', 'worker', 'respondActivityTaskCompleted', {}, unset),
    row('a token of no run', 'worker', 'respondActivityTaskCompleted', { taskToken }, missing(/./)),
    row('a token that is garbage', 'worker', 'respondActivityTaskFailed', { taskToken: text('null') }, invalid),
    row('a token of no domain', 'worker', 'respondActivityTaskCanceled', { taskToken: foreign }, unknownDomain),
    row('no token', 'worker', 'recordActivityTaskHeartbeat', {}, unset),
    row('the token of a decision', 'worker', 'respondQueryTaskCompleted', { taskToken, result: answered }, invalid),
    row(
      'no result',
      'worker',
      'respondQueryTaskCompleted',
      { taskToken: query },
      bad('Query result is not set on request.'),
    ),
    row(
      'an unknown query',
      'worker',
      'respondQueryTaskCompleted',
      { taskToken: query, result: answered },
      missing('query task not found, or already expired'),
    ),
    row(
      'no domain',
      'worker',
      'respondActivityTaskCompletedById',
      { ...byId, domain: '' },
      bad('Domain not set on request.'),
    ),
    row(
      'no workflow id',
      'worker',
      'respondActivityTaskFailedById',
      { ...byId, workflowExecution: { workflowId: '', runId: '' } },
      bad('WorkflowId is not set on request.'),
    ),
    row(
      'no activity id',
      'worker',
      'respondActivityTaskCanceledById',
      { ...byId, activityId: '' },
      bad('ActivityID is not set on request.'),
    ),
    row(
      'an activity id that is too long',
      'worker',
      'recordActivityTaskHeartbeatById',
      { ...byId, activityId: LONG },
      bad('ActivityID length exceeds limit.'),
    ),
    row('no execution', 'worker', 'resetStickyTaskList', { domain: 'shop' }, bad('Execution is not set on request.')),
  ];
}
