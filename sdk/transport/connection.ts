// A connection to the service, shared by clients and workers of a process.
import { createGrpcTransport, type GrpcTransportOptions } from './grpc-transport.ts';
import { createServiceCalls, type ServiceCalls } from './service-calls.ts';
import type { Transport } from './transport.ts';

export interface Connection {
  readonly calls: ServiceCalls;
  close(): void;
}

/** Opens a connection over gRPC, or over any transport (tests). Connecting is lazy: the first call does it. */
export function connect(options: GrpcTransportOptions | { readonly transport: Transport }): Connection {
  const transport = 'transport' in options ? options.transport : createGrpcTransport(options);
  return { calls: createServiceCalls(transport), close: () => transport.close() };
}
