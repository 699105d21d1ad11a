// Async requests as entries of the log. A record of JSON, as dead letters are: they are read by people when something goes wrong.
import { dataInconsistency } from '#base';
import type { AsyncRequest } from '#rpc';

interface StoredRequest {
  readonly kind: AsyncRequest['kind'];
  readonly workflowId: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** base64 */
  readonly request: string;
}

export function encodeAsyncRequest({ kind, workflowId, metadata, request }: AsyncRequest): Uint8Array {
  const stored: StoredRequest = { kind, workflowId, metadata, request: Buffer.from(request).toString('base64') };
  return Buffer.from(JSON.stringify(stored));
}

export function decodeAsyncRequest(value: Uint8Array): AsyncRequest {
  const stored: StoredRequest = JSON.parse(Buffer.from(value).toString('utf8'));
  if (stored.kind !== 'start' && stored.kind !== 'signalWithStart') {
    throw dataInconsistency(`An async request has the unknown kind ${String(stored.kind)}.`);
  }
  return { ...stored, request: Buffer.from(stored.request, 'base64') };
}
