// Requests that a frontend accepts now and the worker service makes soon: what passes between the two.

export interface AsyncRequest {
  readonly kind: 'start' | 'signalWithStart';
  /** Requests of one workflow id are made in the order of their acceptance. */
  readonly workflowId: string;
  /** Encoded request of the synchronous RPC. */
  readonly request: Uint8Array;
  /** What the caller said beside it, by metadata key; empty texts left out. */
  readonly metadata: Readonly<Record<string, string>>;
}

export interface AsyncRequestQueue {
  /** Durable when it resolves. ServiceBusy when too much of the domain waits already. */
  append(domainId: string, request: AsyncRequest): Promise<void>;
}
