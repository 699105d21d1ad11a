// Pieces of requests that several aliases share: the run of the path, arguments, and the fields of a start.
import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { badRequest } from '#base';
import type { RestInput } from './rest-route.ts';

export const executionOf = ({ params, query }: RestInput): JsonObject => ({
  workflowId: params.workflowId ?? '',
  runId: query.runId ?? '',
});

/** Takes `input` or `args` out of the body: a payload in the readable form; {} when there is neither. */
export function takePayload(body: JsonObject, field: string, names = { one: 'input', many: 'args' }): JsonObject {
  const { [names.one]: one, [names.many]: many } = body;
  delete body[names.one];
  delete body[names.many];
  if (one !== undefined && many !== undefined) throw badRequest(`Set ${names.one} or ${names.many}, not both.`);
  if (one !== undefined) return { [field]: one };
  if (many === undefined) return {};
  if (!Array.isArray(many)) throw badRequest(`${names.many} must be a list.`);
  return many.length === 0 ? {} : { [field]: { '@values': many } };
}

/** The body must have nothing left that nobody takes. */
export function refuseOthers(body: JsonObject, known: readonly string[]): void {
  const unknown = Object.keys(body).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw badRequest(
      `The body has an unknown field ${JSON.stringify(unknown.slice(0, 100))}. Known: ${known.join(', ')}.`,
    );
  }
}

const DAY = '86400s';
const DECISION_TIMEOUT = '10s';
const DEFAULT_IDENTITY = 'http';

/** StartWorkflowExecutionRequest of a body whose `input` is taken: its own fields, and shorter forms of some. */
export function startRequest(input: RestInput, body: JsonObject, payload: JsonObject): JsonObject {
  const { workflowType, taskList, memo, searchAttributes, header, ...rest } = body;
  return {
    requestId: input.requestId,
    identity: DEFAULT_IDENTITY,
    executionStartToCloseTimeout: DAY,
    taskStartToCloseTimeout: DECISION_TIMEOUT,
    ...rest,
    ...payload,
    ...optional('workflowType', named(workflowType)),
    ...optional('taskList', named(taskList)),
    ...optional('memo', wrapped('fields', memo)),
    ...optional('header', wrapped('fields', header)),
    ...optional('searchAttributes', wrapped('indexedFields', searchAttributes)),
    domain: input.params.domain ?? '',
  };
}

const optional = (key: string, value: JsonValue | undefined): JsonObject =>
  value === undefined ? {} : { [key]: value };

const named = (value: JsonValue | undefined): JsonValue | undefined =>
  typeof value === 'string' ? { name: value } : value;

const wrapped = (field: string, value: JsonValue | undefined): JsonValue | undefined =>
  value === undefined ? undefined : { [field]: value };

/** Page tokens are base64; in a query they come with the alphabet that needs no escaping. */
export const toUrlSafe = (token: JsonValue | undefined): string =>
  (typeof token === 'string' ? token : '').replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

export function pageRequest({ query }: RestInput): JsonObject {
  const { pageSize, pageToken } = query;
  if (pageSize !== undefined && !/^[1-9]\d{0,8}$/.test(pageSize)) throw badRequest('pageSize must be a number from 1.');
  return { ...(pageSize && { pageSize: Number(pageSize) }), ...(pageToken && { nextPageToken: pageToken }) };
}

export function flag(query: Readonly<Record<string, string>>, name: string): boolean {
  const value = query[name];
  if (value === undefined || value === 'false') return false;
  if (value === 'true' || value === '') return true;
  throw badRequest(`${name} must be true or false.`);
}
