// The bench's client: raw grpc-js with the generated static codecs, no SDK. One channel per `index` spreads load over connections.
import { DomainAPIClient, VisibilityAPIClient, WorkerAPIClient, WorkflowAPIClient } from '@antiphon/proto';
import {
  type Client,
  credentials,
  InterceptingCall,
  type Interceptor,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';

type Method = (
  request: unknown,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, response: unknown) => void,
) => unknown;

const metadata = new Metadata();
metadata.set('rpc-caller', 'antiphon-bench');
metadata.set('rpc-service', 'cadence-frontend');
metadata.set('rpc-encoding', 'proto');
metadata.set('cadence-client-name', 'uber-go');
metadata.set('cadence-client-feature-version', '1.7.0');
metadata.set('cadence-client-library-version', '1.3.0');

export interface Api {
  readonly workflow: WorkflowAPIClient;
  readonly worker: WorkerAPIClient;
  readonly domain: DomainAPIClient;
  readonly visibility: VisibilityAPIClient;
  close(): void;
}

const bearing =
  (token: string): Interceptor =>
  (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start(shared, listener, next) {
        const own = shared.clone();
        own.set('cadence-authorization', token);
        next(own, listener);
      },
    });

export function openApi(address: string, index = 0, token = ''): Api {
  const options = {
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
    'grpc.max_send_message_length': 64 * 1024 * 1024,
    // Channels with equal arguments share a connection; this makes them differ.
    'antiphon.channel': index,
    'grpc.use_local_subchannel_pool': 1,
    ...(token !== '' && { interceptors: [bearing(token)] }),
  };
  const insecure = credentials.createInsecure();
  const clients = {
    workflow: new WorkflowAPIClient(address, insecure, options),
    worker: new WorkerAPIClient(address, insecure, options),
    domain: new DomainAPIClient(address, insecure, options),
    visibility: new VisibilityAPIClient(address, insecure, options),
  };
  return {
    ...clients,
    close: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}

/** One unary call as a promise. */
export function call<R>(client: Client, method: string, request: unknown, timeoutMs = 30_000): Promise<R> {
  return new Promise((resolve, reject) => {
    const unary = (client as unknown as Record<string, Method>)[method] as Method;
    unary.call(client, request, metadata, { deadline: Date.now() + timeoutMs }, (error, response) => {
      if (error) reject(error);
      else resolve(response as R);
    });
  });
}
