// Checks that many RPCs share, with the exact texts of the reference: clients and people match on them.
// Cadence: service/frontend/validate/errors.go
import type { Payload, TaskList, WorkflowExecution } from '@antiphon/proto';
import { badRequest } from '#base';
import { type Limits, lengthMax } from '#core';
import type { RunRef } from '#rpc';

// Any version and either case: ids of other clusters and older servers are not all version 4.
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

export const isUuid = (text: string): boolean => UUID.test(text);

export function checkLength(value: string, limits: Limits, what: string): void {
  if (value.length > lengthMax(limits, what)) throw badRequest(`${what} length exceeds limit.`);
}

export function requireRun(domainId: string, execution: WorkflowExecution | undefined, limits: Limits): RunRef {
  if (execution === undefined) throw badRequest('Execution is not set on request.');
  const { workflowId, runId } = execution;
  if (workflowId === '') throw badRequest('WorkflowId is not set on request.');
  checkLength(workflowId, limits, 'WorkflowID');
  if (runId !== '' && !isUuid(runId)) throw badRequest('Invalid RunId.');
  return { domainId, workflowId, runId };
}

export function requireTaskList(taskList: TaskList | undefined, limits: Limits): TaskList {
  if (taskList === undefined || taskList.name === '') throw badRequest('TaskList is not set on request.');
  checkLength(taskList.name, limits, 'TaskList');
  checkLength(taskList.baseName, limits, 'TaskList');
  return taskList;
}

export function checkBlobSize(sizeBytes: number, limits: Limits): void {
  if (sizeBytes > limits.blobSizeBytesMax) throw badRequest('Blob data size exceeds limit.');
}

export const payloadSize = (payload: Payload | undefined): number => payload?.data.length ?? 0;

/** Size of a map of payloads: memo, header, search attributes. */
export function fieldsSize(fields: Readonly<Record<string, Payload>> | undefined): number {
  let size = 0;
  for (const [key, payload] of Object.entries(fields ?? {})) size += key.length + payload.data.length;
  return size;
}

/** A value that the enum of the wire does not know cannot be honoured, and is not guessed at. */
export function checkEnum(value: number, known: Readonly<Record<string, number>>, what: string): void {
  if (value < 0 || !Object.values(known).includes(value)) throw badRequest(`${value} is not a valid ${what}.`);
}

/** Page sizes: nothing or less asks for the default; more than the most is cut. */
export const pageSizeOf = (asked: number, most: number): number => (asked <= 0 || asked > most ? most : asked);
