// Flags that describe a new run, and the request they make: for start, run and signalwithstart.
import { randomUUID } from 'node:crypto';
import { CronOverlapPolicy, StartWorkflowExecutionRequest, WorkflowIdReusePolicy } from '@antiphon/proto';
import type { CliContext } from '../context.ts';
import { usageError } from '../failure.ts';
import {
  inputOf,
  jsonValues,
  keyedPayloads,
  type Payload,
  pairedPayloads,
  searchAttributeValues,
  textOrFile,
} from '../payload.ts';
import { decimal, duration, instant, many, or, required, text, type ValuesOf, whole } from '../spec/flags.ts';
import { wireDuration, wireTime } from '../wire-time.ts';
import { INPUT_FLAGS, identity } from './run-flags.ts';

// Cadence's CLI counts policies from 0; ours have names too.
const REUSE_POLICIES: readonly (readonly [string, WorkflowIdReusePolicy])[] = [
  ['allow-duplicate-failed-only', WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY],
  ['allow-duplicate', WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE],
  ['reject-duplicate', WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE],
  ['terminate-if-running', WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_TERMINATE_IF_RUNNING],
];
const CRON_OVERLAP_POLICIES: readonly (readonly [string, CronOverlapPolicy])[] = [
  ['skip', CronOverlapPolicy.CRON_OVERLAP_POLICY_SKIPPED],
  ['buffer-one', CronOverlapPolicy.CRON_OVERLAP_POLICY_BUFFER_ONE],
];

const namesOf = (policies: readonly (readonly [string, unknown])[]): string =>
  policies.map(([name], index) => `${index} ${name}`).join(', ');

const DAY_SECONDS = 86_400;

export const START_FLAGS = {
  type: required(text('type t wt workflow-type', 'workflow type', 'name')),
  taskList: required(text('task-list tl tasklist', 'task list its workers poll', 'name')),
  workflowId: text('workflow-id w wid', 'workflow id; made up when left out', 'id'),
  ...INPUT_FLAGS,
  executionTimeout: or(duration('execution-timeout et', 'longest life of the run'), DAY_SECONDS),
  decisionTimeout: or(duration('decision-timeout dt', 'longest time of one decision'), 10),
  reusePolicy: text(
    'reuse-policy wrp workflowidreusepolicy',
    `when the workflow id was used before: ${namesOf(REUSE_POLICIES)}`,
    'policy',
  ),
  cron: text('cron', 'run again on this schedule, as "*/5 * * * *" or "@every 10s"', 'expression'),
  cronOverlapPolicy: text(
    'cron-overlap-policy cop',
    `when a run takes longer than the interval: ${namesOf(CRON_OVERLAP_POLICIES)}`,
    'policy',
  ),
  delay: duration('delay delay-start-seconds', 'wait before the first decision'),
  jitter: duration('jitter jitter-start-seconds', 'wait at random up to this long, too'),
  firstRunAt: instant('first-run-at first-run-at-time', 'when the first run starts, RFC 3339'),
  retryAttempts: whole('retry-attempts', 'retry the run when it fails: how often at most'),
  retryExpiration: duration('retry-expiration', 'retry the run when it fails: for how long'),
  retryInterval: or(duration('retry-interval', 'first wait between two attempts'), 10),
  retryBackoff: or(decimal('retry-backoff', 'each wait is so many times the one before'), 1),
  retryMaxInterval: duration('retry-max-interval', 'longest wait between two attempts'),
  memo: many('memo', 'key=json, may be repeated; with --memo-key: JSON values', 'key=json'),
  memoKey: text('memo-key', 'keys of the memo, separated by spaces', 'keys'),
  memoFile: text('memo-file', 'JSON values of the memo from a file', 'file'),
  searchAttribute: many('search-attribute', 'search attribute, may be repeated', 'key=json'),
  searchAttrKey: text('search-attr-key', 'keys of search attributes, separated by |', 'keys'),
  searchAttrValue: text('search-attr-value', 'their values, separated by |', 'values'),
  headerKey: text('header-key', 'keys of the header, separated by spaces', 'keys'),
  headerValue: text('header-value', 'JSON values of the header', 'json'),
  headerFile: text('header-file', 'the same from a file', 'file'),
  clusterAttributeScope: text('cluster-attribute-scope cascope', 'active-active domains: scope of the attribute'),
  clusterAttributeName: text('cluster-attribute-name caname', 'active-active domains: name of the attribute'),
};

export type StartValues = ValuesOf<typeof START_FLAGS>;

function policyOf<P>(
  typed: string | undefined,
  policies: readonly (readonly [string, P])[],
  flag: string,
): P | undefined {
  if (typed === undefined) return undefined;
  const found = policies.find(([name], index) => typed === String(index) || typed.toLowerCase() === name);
  if (found === undefined) throw usageError(`--${flag} is "${typed}": expected one of ${namesOf(policies)}.`);
  return found[1];
}

const words = (typed: string | undefined, separator: string | RegExp): readonly string[] =>
  (typed ?? '')
    .split(separator)
    .map((word) => word.trim())
    .filter((word) => word !== '');

function memoOf({ memo, memoKey, memoFile }: StartValues): Record<string, Payload> {
  if (memoKey === undefined && memoFile === undefined) return pairedPayloads(memo, '--memo');
  const typed = textOrFile(memo.at(-1), memoFile, '--memo and --memo-file');
  return keyedPayloads(words(memoKey, /\s+/), jsonValues(typed ?? ''), '--memo-key');
}

function headerOf({ headerKey, headerValue, headerFile }: StartValues): Record<string, Payload> {
  const typed = textOrFile(headerValue, headerFile, '--header-value and --header-file');
  return keyedPayloads(words(headerKey, /\s+/), jsonValues(typed ?? ''), '--header-key');
}

function searchAttributesOf({ searchAttribute, searchAttrKey, searchAttrValue }: StartValues): Record<string, Payload> {
  const values = searchAttrValue === undefined || searchAttrValue === '' ? [] : searchAttributeValues(searchAttrValue);
  return {
    ...pairedPayloads(searchAttribute, '--search-attribute'),
    ...keyedPayloads(words(searchAttrKey, '|'), values, '--search-attr-key'),
  };
}

function retryPolicyOf(flags: StartValues) {
  if (flags.retryAttempts === undefined && flags.retryExpiration === undefined) return {};
  return {
    retryPolicy: {
      initialInterval: wireDuration(flags.retryInterval),
      backoffCoefficient: flags.retryBackoff,
      maximumAttempts: flags.retryAttempts ?? 0,
      ...(flags.retryExpiration === undefined ? {} : { expirationInterval: wireDuration(flags.retryExpiration) }),
      ...(flags.retryMaxInterval === undefined ? {} : { maximumInterval: wireDuration(flags.retryMaxInterval) }),
    },
  };
}

function clusterSelectionOf({ clusterAttributeScope: scope = '', clusterAttributeName: name = '' }: StartValues) {
  if (scope === '' && name === '') return {};
  if (scope === '' || name === '') {
    throw usageError('give both --cluster-attribute-scope and --cluster-attribute-name, or none');
  }
  return { activeClusterSelectionPolicy: { clusterAttribute: { scope, name } } };
}

const nonEmpty = (fields: Record<string, Payload>): boolean => Object.keys(fields).length > 0;

export function startRequestOf(context: CliContext, flags: StartValues): StartWorkflowExecutionRequest {
  const [memo, indexedFields, header] = [memoOf(flags), searchAttributesOf(flags), headerOf(flags)];
  const input = inputOf(flags);
  return StartWorkflowExecutionRequest.fromPartial({
    domain: context.domain,
    workflowId: flags.workflowId || randomUUID(),
    workflowType: { name: flags.type },
    taskList: { name: flags.taskList },
    ...(input ? { input } : {}),
    executionStartToCloseTimeout: wireDuration(flags.executionTimeout),
    taskStartToCloseTimeout: wireDuration(flags.decisionTimeout),
    identity,
    requestId: randomUUID(),
    workflowIdReusePolicy:
      policyOf(flags.reusePolicy, REUSE_POLICIES, 'reuse-policy') ??
      WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
    cronSchedule: flags.cron ?? '',
    cronOverlapPolicy:
      policyOf(flags.cronOverlapPolicy, CRON_OVERLAP_POLICIES, 'cron-overlap-policy') ??
      CronOverlapPolicy.CRON_OVERLAP_POLICY_INVALID,
    ...(flags.delay === undefined ? {} : { delayStart: wireDuration(flags.delay) }),
    ...(flags.jitter === undefined ? {} : { jitterStart: wireDuration(flags.jitter) }),
    ...(flags.firstRunAt === undefined ? {} : { firstRunAt: wireTime(flags.firstRunAt) }),
    ...retryPolicyOf(flags),
    ...clusterSelectionOf(flags),
    ...(nonEmpty(memo) ? { memo: { fields: memo } } : {}),
    ...(nonEmpty(indexedFields) ? { searchAttributes: { indexedFields } } : {}),
    ...(nonEmpty(header) ? { header: { fields: header } } : {}),
  });
}
