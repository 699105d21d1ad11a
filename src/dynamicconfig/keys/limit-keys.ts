// Limits of what a workflow and a request may hold. `domain-limits.ts` turns them into the engine's Limits.
import { DEFAULT_LIMITS } from '#core';
import { boolKey, intKey, type Key } from '../key.ts';

const by = ['domainName'] as const;
const { lengths } = DEFAULT_LIMITS;

const bytes = (name: string, value: number, description: string): Key<number> =>
  intKey(name, { default: value, by, min: 1, description });

const length = (name: string, value: number, what: string): Key<number> =>
  intKey(name, { default: value, by, min: 1, max: 100_000, description: `Longest ${what}, in characters.` });

export const BLOB_SIZE_ERROR = bytes(
  'limit.blobSize.error',
  DEFAULT_LIMITS.blobSizeBytesMax,
  'Largest input, result or details in bytes. A start, signal or query beyond it is refused, a decision fails the workflow, ' +
    'an answer of an activity fails the activity.',
);
export const HISTORY_SIZE_ERROR = bytes(
  'limit.historySize.error',
  DEFAULT_LIMITS.historySizeBytesMax,
  'Bytes of history beyond which the next decision fails the workflow (HISTORY_EXCEEDS_LIMIT).',
);
export const HISTORY_COUNT_ERROR = bytes(
  'limit.historyCount.error',
  DEFAULT_LIMITS.historyEventCountMax,
  'Events beyond which the next decision fails the workflow (HISTORY_EXCEEDS_LIMIT).',
);
export const PENDING_ACTIVITY_COUNT_ERROR = intKey('limit.pendingActivityCount.error', {
  default: 1024,
  by,
  min: 1,
  description:
    'Pending activities beyond which scheduling one more fails the workflow (PENDING_ACTIVITY_EXCEEDS_LIMIT), where ' +
    '`limit.pendingActivityCount.enabled` is on.',
});
export const PENDING_ACTIVITY_COUNT_ENABLED = boolKey('limit.pendingActivityCount.enabled', {
  default: false,
  by,
  description: 'Enforces `limit.pendingActivityCount.error`.',
});
export const PENDING_CHILD_COUNT_ERROR = intKey('antiphon.limit.pendingChildCount.error', {
  default: 0,
  by,
  description: 'Pending children beyond which one more fails the workflow (PENDING_CHILD_EXCEEDS_LIMIT). 0: no limit.',
});
export const PENDING_TIMER_COUNT_ERROR = intKey('antiphon.limit.pendingTimerCount.error', {
  default: 0,
  by,
  description: 'Pending timers beyond which one more fails the workflow (PENDING_TIMER_EXCEEDS_LIMIT). 0: no limit.',
});
export const PENDING_SIGNAL_COUNT_ERROR = intKey('antiphon.limit.pendingSignalCount.error', {
  default: 0,
  by,
  description:
    'Pending signals and cancels to other workflows beyond which one more fails the workflow (PENDING_SIGNAL_EXCEEDS_LIMIT). 0: no limit.',
});
export const OPEN_WORKFLOW_COUNT = intKey('antiphon.limit.openWorkflowCount.error', {
  default: 0,
  by,
  description:
    'Open workflows of a domain; beyond it starts are refused with LimitExceeded. Counted every five seconds. Children and ' +
    'continued runs pass. 0: no limit.',
});
export const SIGNALS_PER_EXECUTION = intKey('history.maximumSignalsPerExecution', {
  default: DEFAULT_LIMITS.signalCountMax,
  by,
  min: 1,
  description: 'Signals that one run takes; more are refused with LimitExceeded.',
});
export const BUFFERED_EVENTS = intKey('history.maximumBufferedEventsBatch', {
  default: DEFAULT_LIMITS.bufferedEventCountMax,
  by,
  min: 1,
  description: 'Events that wait for the decision in flight before it is failed (FORCE_CLOSE_DECISION).',
});
export const SEARCH_ATTRIBUTE_COUNT = intKey('frontend.searchAttributesNumberOfKeysLimit', {
  default: DEFAULT_LIMITS.searchAttributeCountMax,
  by,
  min: 1,
  description: 'Search attributes of one request.',
});
export const SEARCH_ATTRIBUTE_VALUE_SIZE = bytes(
  'frontend.searchAttributesSizeOfValueLimit',
  DEFAULT_LIMITS.searchAttributeValueBytesMax,
  'Bytes of one search attribute value.',
);
export const SEARCH_ATTRIBUTES_TOTAL_SIZE = bytes(
  'frontend.searchAttributesTotalSizeLimit',
  DEFAULT_LIMITS.searchAttributesTotalBytesMax,
  'Bytes of all search attributes of one request.',
);
export const DECISION_RESULT_COUNT = intKey('frontend.decisionResultCountLimit', {
  default: DEFAULT_LIMITS.decisionResultCountMax,
  by,
  description: 'Decisions in one RespondDecisionTaskCompleted; more are refused. 0: no limit.',
});

export const LENGTH_KEYS = {
  domainName: length('limit.domainNameLength', lengths.domainName, 'domain name'),
  workflowId: length('limit.workflowIDLength', lengths.workflowId, 'workflow id'),
  workflowType: length('limit.workflowTypeLength', lengths.workflowType, 'workflow type'),
  signalName: length('limit.signalNameLength', lengths.signalName, 'signal name'),
  requestId: length('limit.requestIDLength', lengths.requestId, 'request id'),
  taskListName: length('limit.taskListNameLength', lengths.taskListName, 'task list name'),
  identity: length('limit.identityLength', lengths.identity, 'identity of a worker or client'),
  activityId: length('limit.activityIDLength', lengths.activityId, 'activity id'),
  activityType: length('limit.activityTypeLength', lengths.activityType, 'activity type'),
  markerName: length('limit.markerNameLength', lengths.markerName, 'marker name'),
  timerId: length('limit.timerIDLength', lengths.timerId, 'timer id'),
} as const;

export const LIMIT_KEYS = [
  BLOB_SIZE_ERROR,
  HISTORY_SIZE_ERROR,
  HISTORY_COUNT_ERROR,
  PENDING_ACTIVITY_COUNT_ERROR,
  PENDING_ACTIVITY_COUNT_ENABLED,
  PENDING_CHILD_COUNT_ERROR,
  PENDING_TIMER_COUNT_ERROR,
  PENDING_SIGNAL_COUNT_ERROR,
  OPEN_WORKFLOW_COUNT,
  SIGNALS_PER_EXECUTION,
  BUFFERED_EVENTS,
  SEARCH_ATTRIBUTE_COUNT,
  SEARCH_ATTRIBUTE_VALUE_SIZE,
  SEARCH_ATTRIBUTES_TOTAL_SIZE,
  DECISION_RESULT_COUNT,
  ...Object.values(LENGTH_KEYS),
] as const;
