// Answers that carry a history are serialised without decoding it: the answer's own fields are encoded, then the stored api.v1.History
// messages are appended as they are, inside one length-delimited field. Concatenated messages merge (repeated events append), so N stored
// batches are one valid History. An event is encoded once in its life.
import {
  GetWorkflowExecutionHistoryResponse as GetHistoryCodec,
  type GetWorkflowExecutionHistoryResponse,
  History as HistoryCodec,
  PollForDecisionTaskResponse as PollCodec,
  type PollForDecisionTaskResponse,
  RespondDecisionTaskCompletedResponse as RespondCodec,
  type RespondDecisionTaskCompletedResponse,
} from '@antiphon/proto';
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import type { WithHistory } from './clients.ts';
import type { HistoryPath } from './service-handlers.ts';

const LENGTH_DELIMITED = 2;
const tag = (field: number): number => (field << 3) | LENGTH_DELIMITED;
const POLL_HISTORY = tag(8);
const GET_HISTORY = tag(1);
const RESPOND_DECISION_TASK = tag(1);

type Splice<T> = (reply: WithHistory<T>) => Buffer;

/** By path, because handlers and clients find their codec there. */
export const HISTORY_SERIALIZERS: {
  readonly '/uber.cadence.api.v1.WorkerAPI/PollForDecisionTask': Splice<PollForDecisionTaskResponse>;
  readonly '/uber.cadence.api.v1.WorkerAPI/RespondDecisionTaskCompleted': Splice<RespondDecisionTaskCompletedResponse>;
  readonly '/uber.cadence.api.v1.WorkflowAPI/GetWorkflowExecutionHistory': Splice<GetWorkflowExecutionHistoryResponse>;
} = {
  '/uber.cadence.api.v1.WorkerAPI/PollForDecisionTask': serializePoll,
  '/uber.cadence.api.v1.WorkerAPI/RespondDecisionTaskCompleted': serializeRespond,
  '/uber.cadence.api.v1.WorkflowAPI/GetWorkflowExecutionHistory': serializeGetHistory,
};

export const carriesHistory = (path: string): path is HistoryPath => Object.hasOwn(HISTORY_SERIALIZERS, path);

function serializePoll(reply: WithHistory<PollForDecisionTaskResponse>): Buffer {
  return asBuffer(writePoll(reply).finish());
}

function serializeGetHistory({ response, historyBlobs }: WithHistory<GetWorkflowExecutionHistoryResponse>): Buffer {
  const writer = new BinaryWriter();
  // Written even when empty: the Go client reads events of a history that must not be nil.
  writeHistory(writer, GET_HISTORY, historyBlobs);
  GetHistoryCodec.encode({ ...response, history: undefined }, writer);
  return asBuffer(writer.finish());
}

function serializeRespond({ response, historyBlobs }: WithHistory<RespondDecisionTaskCompletedResponse>): Buffer {
  if (response.decisionTask === undefined) return asBuffer(RespondCodec.encode(response).finish());
  const writer = new BinaryWriter();
  RespondCodec.encode({ ...response, decisionTask: undefined }, writer);
  writer.uint32(RESPOND_DECISION_TASK).fork();
  writePoll({ response: response.decisionTask, historyBlobs }, writer);
  writer.join();
  return asBuffer(writer.finish());
}

/** Without `onto` on the writer that all codecs share: to be finished before anything else is encoded. */
function writePoll(
  { response, historyBlobs }: WithHistory<PollForDecisionTaskResponse>,
  onto?: BinaryWriter,
): BinaryWriter {
  const blobs =
    response.history === undefined ? historyBlobs : [HistoryCodec.encode(response.history).finish(), ...historyBlobs];
  const writer = PollCodec.encode(
    response.history === undefined ? response : { ...response, history: undefined },
    onto,
  );
  // An empty poll has no task token and no history; a task always has one, if only an empty one.
  if (response.taskToken.length > 0) writeHistory(writer, POLL_HISTORY, blobs);
  return writer;
}

function writeHistory(writer: BinaryWriter, fieldTag: number, blobs: readonly Uint8Array[]): void {
  let length = 0;
  for (const blob of blobs) length += blob.length;
  writer.uint32(fieldTag).uint32(length);
  for (const blob of blobs) writer.raw(blob);
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The whole message, for callers in this process: the blobs decoded into its history. */
export function withDecodedHistory(path: HistoryPath, reply: WithHistory<unknown>): unknown {
  switch (path) {
    case '/uber.cadence.api.v1.WorkerAPI/PollForDecisionTask':
      return PollCodec.decode(serializePoll(reply as WithHistory<PollForDecisionTaskResponse>));
    case '/uber.cadence.api.v1.WorkerAPI/RespondDecisionTaskCompleted':
      return RespondCodec.decode(serializeRespond(reply as WithHistory<RespondDecisionTaskCompletedResponse>));
    case '/uber.cadence.api.v1.WorkflowAPI/GetWorkflowExecutionHistory':
      return GetHistoryCodec.decode(serializeGetHistory(reply as WithHistory<GetWorkflowExecutionHistoryResponse>));
  }
}
