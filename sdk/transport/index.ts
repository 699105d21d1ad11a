// How the SDK reaches the service: connection, retries, errors, and the conversions between messages and plain values.
export { type Connection, connect } from './connection.ts';
export { type GrpcTransportOptions, SDK_VERSION, type TlsOptions } from './grpc-transport.ts';
export { createRpcError, isRpcError, RpcError, type RpcErrorKind, StatusCode } from './rpc-error.ts';
export { type CallOptions, pause, type ServiceCalls } from './service-calls.ts';
export type { CallLimits, Transport, UnaryMethod } from './transport.ts';
export * from './wire-conversions.ts';
