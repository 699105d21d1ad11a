// Transport over @grpc/grpc-js, with the metadata that Cadence servers want: the YARPC routing triple and the identity of a
// client whose features they know. Our own server accepts any name.
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import { type ChannelCredentials, Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { createRpcError, RpcError, StatusCode } from './rpc-error.ts';
import type { CallLimits, Transport, UnaryMethod } from './transport.ts';

export interface GrpcTransportOptions {
  /** host:port of a frontend. */
  readonly address: string;
  /** Default: no TLS. `true`: TLS, trusting the authorities of the system. */
  readonly tls?: true | TlsOptions;
  /** Instead of `tls`, for whoever needs more of grpc-js. */
  readonly credentials?: ChannelCredentials;
  /** Sent as rpc-caller; name your application. */
  readonly caller?: string;
  /** JWT, sent with every call; or where to get one for each call, because it ends sooner than the connection. */
  readonly authorization?: string | (() => string | Promise<string>);
}

/** Contents, not names, of PEM files. */
export interface TlsOptions {
  /** Certificates of the authorities that the server's must be of. Default: those of the system. */
  readonly ca?: Uint8Array;
  /** Your own certificate and its key, for servers that want one (mTLS). */
  readonly cert?: Uint8Array;
  readonly key?: Uint8Array;
  /** Name in the server's certificate, when it is not that of the address. */
  readonly serverName?: string;
}

export const SDK_VERSION = '0.1.0';

const AUTHORIZATION = 'cadence-authorization';

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
  if (typeof options.authorization === 'string') metadata.set(AUTHORIZATION, options.authorization);
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

const hostOf = (address: string): string => address.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');

/** Name that the server's certificate must have. */
const serverNameOf = ({ address, tls }: GrpcTransportOptions): string =>
  (tls !== true && tls?.serverName) || hostOf(address);

function credentialsOf(options: GrpcTransportOptions): ChannelCredentials {
  const { tls, credentials: given } = options;
  if (given) return given;
  if (!tls) return credentials.createInsecure();
  const { ca, cert, key } = tls === true ? {} : tls;
  if ((cert === undefined) !== (key === undefined)) throw new TypeError('tls.cert and tls.key belong together');
  return credentials.createSsl(bufferOf(ca), bufferOf(key), bufferOf(cert), {
    checkServerIdentity: (_, certificate) => checkServerIdentity(serverNameOf(options), certificate),
  });
}

const bufferOf = (bytes: Uint8Array | undefined): Buffer | null => (bytes ? Buffer.from(bytes) : null);

function channelOptionsOf(options: GrpcTransportOptions): Record<string, string | number> {
  if (!options.tls) return CHANNEL_OPTIONS;
  // TLS has no name for an address, and Node warns of one that is sent. The certificate is checked for the address all the same.
  const name = serverNameOf(options);
  return { ...CHANNEL_OPTIONS, 'grpc.ssl_target_name_override': isIP(name) === 0 ? name : 'localhost' };
}

export function createGrpcTransport(options: GrpcTransportOptions): Transport {
  const client = new Client(options.address, credentialsOf(options), channelOptionsOf(options));
  const metadata = metadataOf(options);

  const send = <Req, Res>(
    method: UnaryMethod<Req, Res>,
    request: Req,
    limits: CallLimits,
    sent: Metadata,
  ): Promise<Res> =>
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
        sent,
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
  const { authorization } = options;
  const call: Transport['call'] =
    typeof authorization === 'function'
      ? async (method, request, limits) => {
          const own = metadata.clone();
          own.set(AUTHORIZATION, await authorization());
          return send(method, request, limits, own);
        }
      : (method, request, limits) => send(method, request, limits, metadata);
  return { call, close: () => client.close() };
}
