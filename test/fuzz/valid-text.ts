// Texts that mean something, by the name of the field they stand in: what makes a generated request one that the server takes.
import { KEYS } from '#dynamicconfig';
import type { Chance } from '../simulation/chance.ts';
import type { Pool } from './pool.ts';

/** Domains that requests may register, change, deprecate and delete; those with workflows are left alone. */
export const DISPOSABLE_DOMAINS: readonly string[] = Array.from({ length: 30 }, (_, index) => `fuzz-domain-${index}`);
export const TASK_LISTS: readonly string[] = ['fuzz-list-0', 'fuzz-list-1', 'fuzz-list-2'];
export const STICKY_LISTS: readonly string[] = ['fuzz-sticky-0', 'fuzz-sticky-1'];
const WORKFLOW_IDS: readonly string[] = Array.from({ length: 400 }, (_, index) => `fuzz-workflow-${index}`);
const CLUSTERS: readonly string[] = ['region-a', 'region-b'];
const CONFIG_NAMES: readonly string[] = KEYS.map(({ name }) => name);

const QUERIES: readonly string[] = [
  '',
  "WorkflowType = 'fuzz-type-1'",
  "WorkflowID = 'fuzz-workflow-1' AND CloseTime = missing",
  "CloseStatus = 'COMPLETED' ORDER BY StartTime DESC",
  "StartTime > '2020-01-01T00:00:00Z' AND CustomKeywordField = 'a'",
  "CustomIntField BETWEEN 1 AND 10 OR WorkflowType IN ('fuzz-type-0', 'fuzz-type-2')",
  'NOT CloseTime = missing ORDER BY CloseTime ASC',
  "WorkflowType LIKE 'fuzz%'",
];

const CRON: readonly string[] = ['* * * * *', '@every 3s', '0 12 * * MON', '@hourly', '*/5 1-3 * * *'];

const TIMES_IN_DAYS = [-30, -1, 0, 1, 30];

type Maker = (chance: Chance, pool: Pool) => string;
const one =
  (items: readonly string[]): Maker =>
  (chance) =>
    chance.pick(items);

const uuid: Maker = (chance) => chance.uuid();

/** By `<message>.<field>` or by field alone. */
const MAKERS: Readonly<Record<string, Maker>> = {
  domain: (chance, pool) => chance.pick(pool.domains),
  workflow_id: one(WORKFLOW_IDS),
  run_id: uuid,
  first_execution_run_id: uuid,
  request_id: (chance, pool) => {
    const known = chance.is(0.25) ? pool.requestIds.pick(chance) : undefined;
    if (known !== undefined) return known;
    const fresh = chance.uuid();
    pool.requestIds.add(fresh);
    return fresh;
  },
  domain_id: (chance, pool) => (pool.domainIds.length > 0 ? chance.pick(pool.domainIds) : chance.uuid()),
  identity: one(['fuzz-worker-1', 'fuzz-worker-2']),
  signal_name: one(['fuzz-signal', 'go']),
  query_type: one(['__stack_trace', 'state']),
  cron_schedule: (chance) => (chance.is(0.93) ? '' : chance.pick(CRON)),
  cron_expression: one(CRON),
  query: one(QUERIES),
  activity_id: one(['a0', 'a1', 'a2', 'a3']),
  timer_id: one(['t0', 't1', 't2']),
  schedule_id: (chance, pool) => {
    const known = chance.is(0.7) ? pool.scheduleIds.pick(chance) : undefined;
    if (known !== undefined) return known;
    const fresh = `fuzz-schedule-${chance.whole(0, 60)}`;
    pool.scheduleIds.add(fresh);
    return fresh;
  },
  binary_checksum: one(['', 'good-binary', 'other-binary']),
  delete_bad_binary: one(['bad-binary']),
  security_token: one(['']),
  cluster_name: one(CLUSTERS),
  active_cluster_name: one(['region-a']),
  domain_active_cluster_name: one(CLUSTERS),
  source_cluster: one(CLUSTERS),
  target_cluster: one(CLUSTERS),
  remote_cluster: one(CLUSTERS),
  history_archival_uri: one(['']),
  visibility_archival_uri: one(['']),
  domain_name: one(DISPOSABLE_DOMAINS),
  host_address: one(['127.0.0.1:7833', '']),
  config_name: one(CONFIG_NAMES),
  'DynamicConfigFilter.name': one(['domainName']),
  'RegisterDomainRequest.name': one(DISPOSABLE_DOMAINS),
  'UpdateDomainRequest.name': one(DISPOSABLE_DOMAINS),
  'DeprecateDomainRequest.name': one(DISPOSABLE_DOMAINS),
  'DeleteDomainRequest.name': one(DISPOSABLE_DOMAINS),
  'DescribeDomainRequest.name': (chance, pool) => chance.pick([...DISPOSABLE_DOMAINS, ...pool.domains]),
  'DescribeDomainRequest.id': (chance, pool) => (pool.domainIds[0] === undefined ? '' : chance.pick(pool.domainIds)),
  'WorkflowType.name': one(['fuzz-type-0', 'fuzz-type-1', 'fuzz-type-2']),
  'ActivityType.name': one(['fuzz-activity']),
  'WorkflowTypeFilter.name': one(['fuzz-type-0', 'fuzz-type-1']),
  'IsolationGroupPartition.name': one(['zone-1', 'zone-2']),
  predefined_queue_name: one(['queue', '']),
  queue_type: one(['kafka', '']),
  base_name: one(['']),
};

export function validText(chance: Chance, pool: Pool, message: string, field: string): string {
  const maker = MAKERS[`${message}.${field}`] ?? MAKERS[field];
  return maker === undefined ? `fuzz-${field}-${chance.whole(0, 9)}` : maker(chance, pool);
}

const DAY_SECONDS = 86_400;

/** Seconds of a duration, by the field's name. */
export function validSeconds(chance: Chance, field: string): number {
  switch (field) {
    case 'workflow_execution_retention_period':
      return chance.whole(1, 30) * DAY_SECONDS;
    case 'execution_start_to_close_timeout':
      return chance.pick([2, 60, 600, 3600]);
    case 'task_start_to_close_timeout':
      return chance.pick([2, 10, 30]);
    case 'schedule_to_close_timeout':
    case 'schedule_to_start_timeout':
    case 'start_to_close_timeout':
      return chance.pick([1, 10, 60]);
    case 'expiration_interval':
    case 'maximum_interval':
      return chance.pick([10, 100]);
    case 'initial_interval':
    case 'start_to_fire_timeout':
      return chance.pick([1, 2, 60]);
    default:
      return chance.pick([0, 1, 5]);
  }
}

/** Unix seconds near to now, by the seed. */
export const validTime = (chance: Chance): number =>
  Math.floor(Date.now() / 1000) + chance.pick(TIMES_IN_DAYS) * DAY_SECONDS + chance.whole(0, 3600);

export function validInteger(chance: Chance, field: string): number {
  switch (field) {
    case 'page_size':
      return chance.pick([0, 1, 2, 10, 100]);
    case 'shard_id':
    case 'shard_ids':
      return chance.whole(0, 3);
    case 'decision_finish_event_id':
      return chance.whole(3, 8);
    case 'maximum_attempts':
      return chance.whole(1, 4);
    case 'num_read_partitions':
    case 'num_write_partitions':
      return chance.whole(1, 3);
    default:
      return chance.whole(0, 5);
  }
}

/** Of a search attribute, as the JSON that its type takes. */
export const SEARCH_VALUES: Readonly<Record<string, string>> = {
  CustomKeywordField: '"a"',
  CustomIntField: '7',
  CustomBoolField: 'true',
  CustomStringField: '"some words"',
  CustomDoubleField: '1.5',
  CustomDatetimeField: '"2026-01-02T03:04:05Z"',
};
