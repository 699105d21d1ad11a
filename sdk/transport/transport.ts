// The SDK's only door to the service: one unary call. grpc-js implements it in production; tests drive the SDK without a
// network behind the same interface.

/** A method of the generated services. */
export interface UnaryMethod<Req, Res> {
  readonly path: string;
  readonly requestSerialize: (value: Req) => Buffer;
  readonly requestDeserialize: (value: Buffer) => Req;
  readonly responseSerialize: (value: Res) => Buffer;
  readonly responseDeserialize: (value: Buffer) => Res;
}

export interface CallLimits {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface Transport {
  /** One attempt. Rejects with RpcError only. */
  call<Req, Res>(method: UnaryMethod<Req, Res>, request: Req, limits: CallLimits): Promise<Res>;
  close(): void;
}
