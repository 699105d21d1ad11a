// Runs to archive and an archiver over memory, with virtual time.
import { History, type HistoryEvent, WorkflowExecutionInfo } from '@antiphon/proto';
import { type ArchiveQuery, type ClosedRun, createArchiveInspector, createArchiver } from '#archival';
import { badRequest } from '#base';
import { type BlobStore, createBlobStores } from '#blob';
import { createMemoryBlobStore } from '#blob/memory';
import { createSimulatedEnv } from '#env';
import type { KeyValueStore } from '#persistence';
import { createMemoryStore } from '#persistence/memory';

export const URI = 'memory://archive';
export const DAY_1 = Date.UTC(2026, 10, 20, 12, 0, 0);
export const DAY_2 = Date.UTC(2026, 10, 21, 12, 0, 0);

const at = (ms: number, nanos = 0) => ({ seconds: BigInt(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 + nanos });

export function event(id: number, signalName: string, input: Uint8Array, nanos = 0): HistoryEvent {
  return {
    eventId: BigInt(id),
    eventTime: at(DAY_1 + id, nanos),
    version: 11n,
    taskId: BigInt(1000 + id),
    attributes: {
      $case: 'workflowExecutionSignaledEventAttributes',
      value: { signalName, input: { data: Buffer.from(input) }, identity: 'tester', requestId: `request-${id}` },
    },
  };
}

export interface RunSpec {
  readonly runId: string;
  readonly workflowId?: string;
  readonly domain?: string;
  readonly closeMs?: number;
  readonly batches?: readonly (readonly HistoryEvent[])[];
  readonly historyUri?: string;
  readonly visibilityUri?: string;
  readonly type?: string;
  readonly closeFailoverVersion?: number;
}

export const blobsOf = (batches: readonly (readonly HistoryEvent[])[]): Uint8Array[] =>
  batches.map((events) => History.encode({ events: [...events] }).finish());

export const defaultBatches = (runId: string): readonly (readonly HistoryEvent[])[] => [
  [event(1, `start ${runId}`, Buffer.from('{"a":1}')), event(2, 'second', new Uint8Array([0, 255, 128]))],
  [event(3, 'last', new Uint8Array())],
];

export function closedRun(spec: RunSpec): ClosedRun {
  const domain = spec.domain ?? 'orders';
  const workflowId = spec.workflowId ?? `workflow of ${spec.runId}`;
  const closeMs = spec.closeMs ?? DAY_1;
  const blobs = blobsOf(spec.batches ?? defaultBatches(spec.runId));
  return {
    domainId: `id-of-${domain}`,
    domainName: domain,
    workflowId,
    runId: spec.runId,
    closeFailoverVersion: spec.closeFailoverVersion ?? 11,
    info: {
      ...WorkflowExecutionInfo.decode(new Uint8Array()),
      workflowExecution: { workflowId, runId: spec.runId },
      type: { name: spec.type ?? 'Order' },
      startTime: at(closeMs - 5000),
      closeTime: at(closeMs),
      closeStatus: 1,
      historyLength: BigInt((spec.batches ?? defaultBatches(spec.runId)).flat().length),
      taskList: 'tl',
    },
    historyUri: spec.historyUri ?? URI,
    visibilityUri: spec.visibilityUri ?? URI,
    async *readBatches() {
      yield* blobs;
    },
  };
}

/** A query of the form `Type=x`, `Days=from-to`, or nothing: enough to see what the archive does with one. */
export function compileTestQuery(query: string): ArchiveQuery {
  if (query === '') return { matches: () => true };
  const type = /^Type=(\w+)$/.exec(query)?.[1];
  if (type !== undefined) return { matches: (record) => record.workflowType === type };
  const days = /^Closed=(\d+)-(\d+)$/.exec(query);
  if (days === null) throw badRequest('bad query');
  const [closedFromMs, closedToMs] = [Number(days[1]), Number(days[2])];
  return {
    closedFromMs,
    closedToMs,
    matches: ({ closeTimeMs = 0 }) => closeTimeMs >= closedFromMs && closeTimeMs <= closedToMs,
  };
}

export interface Fixture {
  readonly env: ReturnType<typeof createSimulatedEnv>;
  readonly blob: BlobStore;
  readonly keyValues: KeyValueStore;
}

export function createFixture(
  parts: { blob?: BlobStore; keyValues?: KeyValueStore; cluster?: string; seed?: number; partBytesMax?: number } = {},
) {
  const env = createSimulatedEnv({ seed: parts.seed ?? 7, startMs: DAY_2 });
  const blob = parts.blob ?? createMemoryBlobStore();
  const keyValues = parts.keyValues ?? createMemoryStore().keyValues;
  const others = new Map<string, BlobStore>();
  const blobs = createBlobStores({
    memory: (url) => {
      if (url.href === URI) return blob;
      const other = others.get(url.href) ?? createMemoryBlobStore();
      others.set(url.href, other);
      return other;
    },
  });
  const cluster = parts.cluster ?? 'region-a';
  const archiver = createArchiver(
    { env, blobs, keyValues, compileQuery: compileTestQuery },
    { cluster, ...(parts.partBytesMax === undefined ? {} : { partBytesMax: parts.partBytesMax }) },
  );
  const inspector = createArchiveInspector({ blobs, keyValues }, { cluster });
  const archiveAll = async (runs: readonly ClosedRun[]): Promise<PromiseSettledResult<void>[]> => {
    const done = Promise.allSettled(runs.map((run) => archiver.archive(run)));
    for (let i = 0; i < 4; i++) await env.advance(1000);
    return done;
  };
  const keys = (prefix = ''): Promise<readonly string[]> => blob.list(prefix, { limit: 1000 });
  return { env, blob, keyValues, blobs, archiver, inspector, archiveAll, keys };
}

/** The store with `put` failing for keys that match, a number of times. */
export function failingPuts(store: BlobStore, matching: RegExp, times: number): BlobStore {
  let left = times;
  return {
    ...store,
    async put(key, content, options) {
      if (left > 0 && matching.test(key)) {
        left--;
        throw new Error(`put of ${key} failed`);
      }
      await store.put(key, content, options);
    },
  };
}

/** Changes an object, which no store of ours allows. */
export async function tamper(
  store: BlobStore,
  key: string,
  change: (content: Uint8Array) => Uint8Array,
): Promise<void> {
  const content = await store.get(key);
  if (content === undefined) throw new Error(`no object ${key}`);
  await store.remove(key);
  await store.put(key, change(content));
}
