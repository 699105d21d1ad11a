// Transport over @grpc/grpc-js, with the metadata that Cadence servers want: the YARPC routing triple and the identity of a
// client whose features they know. Our own server accepts any name.
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { createRpcError, RpcError, StatusCode } from './rpc-error.ts';
import type { CallLimits, Transport, UnaryMethod } from './transport.ts';

export interface GrpcTransportOptions {
  /** host:port of a frontend. */
  readonly address: string;
  /** Default: no TLS. */
  readonly credentials?: ChannelCredentials;
  /** Sent as rpc-caller; name your application. */
  readonly caller?: string;
  /** Bearer token or JWT. */
  readonly authorization?: string;
}

export const SDK_VERSION = '0.1.0';

function metadataOf(options: GrpcTransportOptions): Metadata {
  const metadata = new Metadata();
  metadata.set('rpc-service', 'cadence-frontend');
  metadata.set('rpc-caller', options.caller ?? 'antiphon-sdk');
  metadata.set('rpc-encoding', 'proto');
  metadata.set('cadence-caller-type', 'sdk');
  metadata.set('cadence-client-library-version', `antiphon-ts-${SDK_VERSION}`);
  // Cadence offers sticky and consistent queries only to names it knows. 1.5.0 is the newest version that is never sent
  // thrift-encoded raw history, which this SDK does not read.
  metadata.set('cadence-client-name', 'uber-go');
  metadata.set('cadence-client-feature-version', '1.5.0');
  if (options.authorization) metadata.set('cadence-authorization', options.authorization);
  return metadata;
}

function toRpcError(error: ServiceError): RpcError {
  const [details] = error.metadata.get('grpc-status-details-bin');
  return createRpcError(error.code, error.details, typeof details === 'string' ? undefined : details);
}

const CHANNEL_OPTIONS = {
  // Histories are larger than gRPC's default of 4 MB.
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 3000,
};

export function createGrpcTransport(options: GrpcTransportOptions): Transport {
  const client = new Client(options.address, options.credentials ?? credentials.createInsecure(), CHANNEL_OPTIONS);
  const metadata = metadataOf(options);

  const call = <Req, Res>(method: UnaryMethod<Req, Res>, request: Req, limits: CallLimits): Promise<Res> =>
    new Promise((resolve, reject) => {
      const { signal } = limits;
      if (signal?.aborted) {
        reject(new RpcError('Cancelled', 'the call was cancelled', StatusCode.cancelled));
        return;
      }
      const abort = (): void => unary.cancel();
      const unary = client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        metadata,
        { deadline: Date.now() + limits.timeoutMs },
        (error, response) => {
          signal?.removeEventListener('abort', abort);
          if (error) reject(toRpcError(error));
          else if (response === undefined) reject(new RpcError('Internal', 'empty response', StatusCode.internal));
          else resolve(response);
        },
      );
      signal?.addEventListener('abort', abort, { once: true });
    });
  return { call, close: () => client.close() };
}
