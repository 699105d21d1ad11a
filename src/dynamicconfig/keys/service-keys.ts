// What services do: queries, decisions, polls, forwarding, domains.
import { DEFAULT_LIMITS } from '#core';
import { boolKey, durationKey, intKey, mapKey, stringKey } from '../key.ts';

const by = ['domainName'] as const;
const MINUTE_MS = 60_000;

export const HISTORY_PAGE_SIZE = intKey('frontend.historyMaxPageSize', {
  default: 1000,
  by,
  min: 1,
  max: 10_000,
  description: 'Events of one page of a history; a larger page size is cut to it.',
});
export const VISIBILITY_PAGE_SIZE = intKey('frontend.visibilityMaxPageSize', {
  default: 10_000,
  by,
  min: 1,
  max: 10_000,
  cadenceDefault: '1000',
  description: 'Largest page of a list; a larger page size is refused.',
});
export const CHECKS_CLIENT_VERSION = boolKey('frontend.enableClientVersionCheck', {
  default: false,
  description: 'Refuses client libraries that are newer than this server knows.',
});
export const DISALLOWS_LIST_BY_FILTER = boolKey('frontend.disableListVisibilityByFilter', {
  default: false,
  by,
  description: 'Refuses ListOpen and ListClosed with a filter.',
});
export const DISALLOWS_QUERY = boolKey('system.disallowQuery', {
  default: false,
  by,
  operational: true,
  description: 'Refuses QueryWorkflow.',
});
export const LOCKDOWN = boolKey('system.Lockdown', {
  default: false,
  by,
  operational: true,
  description: 'Refuses failovers of domains.',
});
export const AUTO_FORWARDING = boolKey('system.enableDomainNotActiveAutoForwarding', {
  default: true,
  by,
  operational: true,
  description: 'Forwards calls on a domain that is active in another region, as `frontend.forwarding` says.',
});
export const FAILOVER_COOL_DOWN = durationKey('frontend.failoverCoolDown', {
  default: MINUTE_MS,
  by,
  operational: true,
  description: 'Least time between two failovers of a domain.',
});
export const MAX_BAD_BINARIES = intKey('frontend.maxBadBinaries', {
  default: 10,
  by,
  min: 1,
  max: 1000,
  description: 'Bad binaries that a domain remembers.',
});
export const MIN_RETENTION_DAYS = intKey('system.minRetentionDays', {
  default: 1,
  max: 3650,
  description: 'Least retention of a domain, in days.',
});
export const MAX_RETENTION_DAYS = intKey('system.maxRetentionDays', {
  default: 30,
  min: 1,
  max: 3650,
  description: 'Largest retention of a domain, in days.',
});
export const REQUIRED_DOMAIN_DATA = mapKey('system.requiredDomainDataKeys', {
  default: {},
  description: 'Keys that the data of a new domain must have, each with true.',
});
export const HISTORY_ARCHIVAL_STATUS = stringKey('system.historyArchivalStatus', {
  default: 'enabled',
  choices: ['enabled', 'paused', 'disabled'],
  description: '`disabled`: domains cannot turn the archival of histories on. What is on goes on.',
});
export const VISIBILITY_ARCHIVAL_STATUS = stringKey('system.visibilityArchivalStatus', {
  default: 'enabled',
  choices: ['enabled', 'paused', 'disabled'],
  description: '`disabled`: domains cannot turn the archival of visibility records on. What is on goes on.',
});
export const READ_HISTORY_ARCHIVE = boolKey('system.enableReadFromHistoryArchival', {
  default: true,
  operational: true,
  description: 'Reads a history that retention has deleted from its archive.',
});
export const READ_VISIBILITY_ARCHIVE = boolKey('system.enableReadFromVisibilityArchival', {
  default: true,
  operational: true,
  description: 'Serves ListArchivedWorkflowExecutions.',
});
export const CONSISTENT_QUERY = boolKey('history.EnableConsistentQuery', {
  default: true,
  description: 'Serves strongly consistent queries.',
});
export const CONSISTENT_QUERY_BY_DOMAIN = boolKey('history.EnableConsistentQueryByDomain', {
  default: true,
  by,
  cadenceDefault: 'false',
  description: 'Serves strongly consistent queries of a domain.',
});
export const BUFFERED_QUERIES = intKey('history.MaxBufferedQueryCount', {
  default: DEFAULT_LIMITS.bufferedQueryCountMax,
  by,
  min: 1,
  max: 1000,
  description: 'Strongly consistent queries of one run that wait for its decision.',
});
export const DECISION_HEARTBEAT_TIMEOUT = durationKey('history.decisionHeartbeatTimeout', {
  default: DEFAULT_LIMITS.decisionHeartbeatTimeoutMs,
  by,
  min: 1000,
  description: 'How long a worker may keep a decision by heartbeats, while its local activities run.',
});
export const STICKY_TTL = durationKey('history.stickyTTL', {
  default: DEFAULT_LIMITS.stickyTtlMs,
  by,
  description: 'How long a worker is remembered as the one that has a workflow in its cache.',
});
export const DECISION_ATTEMPTS = intKey('history.decisionRetryMaxAttempts', {
  default: DEFAULT_LIMITS.decisionAttemptsMax,
  by,
  min: 1,
  description: 'Failed attempts of one decision before the workflow is terminated.',
});
export const DECISION_TIMEOUT_SECONDS = intKey('system.maxDecisionStartToCloseSeconds', {
  default: DEFAULT_LIMITS.decisionTimeoutSecondsMax,
  by,
  min: 1,
  max: 3600,
  description: 'Longest decision timeout; a start that asks for more gets this.',
});
export const PARENT_CLOSE_POLICY = boolKey('history.enableParentClosePolicy', {
  default: true,
  by,
  description: 'Applies the parent close policy to children when their parent closes.',
});
export const HISTORY_LONG_POLL = durationKey('history.longPollExpirationInterval', {
  default: 20_000,
  by,
  min: 100,
  description: 'How long GetWorkflowExecutionHistory waits for a new event.',
});
export const MATCHING_LONG_POLL = durationKey('matching.longPollExpirationInterval', {
  default: MINUTE_MS,
  by: ['domainName', 'taskListName', 'taskType'],
  min: 100,
  description: 'How long a poll waits for a task.',
});

export const SERVICE_KEYS = [
  HISTORY_PAGE_SIZE,
  VISIBILITY_PAGE_SIZE,
  CHECKS_CLIENT_VERSION,
  DISALLOWS_LIST_BY_FILTER,
  DISALLOWS_QUERY,
  LOCKDOWN,
  AUTO_FORWARDING,
  FAILOVER_COOL_DOWN,
  MAX_BAD_BINARIES,
  MIN_RETENTION_DAYS,
  MAX_RETENTION_DAYS,
  REQUIRED_DOMAIN_DATA,
  HISTORY_ARCHIVAL_STATUS,
  VISIBILITY_ARCHIVAL_STATUS,
  READ_HISTORY_ARCHIVE,
  READ_VISIBILITY_ARCHIVE,
  CONSISTENT_QUERY,
  CONSISTENT_QUERY_BY_DOMAIN,
  BUFFERED_QUERIES,
  DECISION_HEARTBEAT_TIMEOUT,
  STICKY_TTL,
  DECISION_ATTEMPTS,
  DECISION_TIMEOUT_SECONDS,
  PARENT_CLOSE_POLICY,
  HISTORY_LONG_POLL,
  MATCHING_LONG_POLL,
] as const;
