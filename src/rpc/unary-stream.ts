// Unary calls straight on their HTTP/2 streams. grpc-js keeps the connections, TLS, health and reflection, and every call that is anything but
// plain (compressed, a timeout that is none, an unknown method); what it builds around a plain call (metadata, decoder, queue, promises, one
// object on another) was a third of the garbage of a refused call. Each call gets one answer: the handler's, its deadline's, or that of a
// request that is no request. grpc-js offers no door for this: its method `_streamHandler` is replaced, and its version is pinned.
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import { type Server, status } from '@grpc/grpc-js';
import { assert } from '#base';
import type { Env, TimerHandle } from '#env';
import type { IncomingCall, IncomingMetadata } from './call-context.ts';
import { type GrpcStatus, plainStatusHeaders, statusHeaders } from './errors.ts';
import { StreamMessage } from './stream-message.ts';

/** What a handler is given of a call. */
export interface UnaryCall extends IncomingCall {
  readonly request: unknown;
}

/** An error's status, or undefined or null and the reply. */
export type UnaryAnswer = (error: GrpcStatus | null, reply?: unknown) => void;

export interface UnaryMethod {
  readonly path: string;
  decode(bytes: Buffer): unknown;
  encode(reply: unknown): Uint8Array;
  handle(call: UnaryCall, answer: UnaryAnswer): void;
  /** A reply that cannot be encoded: the caller gets INTERNAL. */
  report(error: unknown): void;
}

export interface UnaryStreamOptions {
  readonly env: Env;
  /** Of one message, both ways. */
  readonly maxMessageBytes: number;
}

type StreamHandler = (interceptors: unknown, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** From now on; before the server is bound. The methods are the server's as well. */
export function serveUnaryStreams(server: Server, methods: readonly UnaryMethod[], options: UnaryStreamOptions): void {
  const byPath = new Map(methods.map((method) => [method.path, method]));
  const general: unknown = Reflect.get(server, '_streamHandler');
  assert(typeof general === 'function', 'grpc-js has no _streamHandler: this is not the version that is pinned');
  const handler: StreamHandler = (interceptors, stream, headers) => {
    const method = byPath.get(headers[':path'] ?? '');
    const timeoutMs = timeoutOf(headers);
    if (method === undefined || timeoutMs === undefined || !isPlain(headers)) {
      general.call(server, interceptors, stream, headers);
    } else {
      new UnaryStreamCall(stream, headers, timeoutMs, method, options);
    }
  };
  Reflect.set(server, '_streamHandler', handler);
}

const isPlain = (headers: IncomingHttpHeaders): boolean => {
  const encoding = headers['grpc-encoding'];
  return (
    headers['content-type']?.startsWith('application/grpc') === true &&
    (encoding === undefined || encoding === 'identity')
  );
};

const UNITS_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;

/** Milliseconds; infinite when the caller sets none, undefined when it is not to be read. */
function timeoutOf(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['grpc-timeout'];
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const match = typeof text === 'string' ? TIMEOUT.exec(text) : null;
  return match === null ? undefined : Number(match[1]) * (UNITS_MS[match[2] ?? ''] ?? Number.NaN);
}

const ANSWER_HEADERS: OutgoingHttpHeaders = Object.freeze({
  ':status': 200,
  'content-type': 'application/grpc+proto',
  'grpc-accept-encoding': 'identity,deflate,gzip',
  'grpc-encoding': 'identity',
});
const OK_TRAILERS: OutgoingHttpHeaders = Object.freeze({ 'grpc-status': 0, 'grpc-message': 'OK' });
const WITH_TRAILERS = Object.freeze({ waitForTrailers: true });
const LAST = Object.freeze({ endStream: true });

const sendOkTrailers = function (this: ServerHttp2Stream): void {
  this.sendTrailers(OK_TRAILERS);
};
// The stream's `close` follows each error, and tells what there is to tell.
const ignoreError = (): void => {};

class UnaryStreamCall implements UnaryCall {
  request: unknown;
  cancelled = false;
  readonly #stream: ServerHttp2Stream;
  readonly #headers: IncomingHttpHeaders;
  readonly #method: UnaryMethod;
  readonly #options: UnaryStreamOptions;
  readonly #message: StreamMessage;
  readonly #deadlineMs: number;
  readonly #deadline: TimerHandle | undefined;
  #listeners: (() => unknown)[] | undefined;
  #isAnswered = false;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    timeoutMs: number,
    method: UnaryMethod,
    options: UnaryStreamOptions,
  ) {
    this.#stream = stream;
    this.#headers = headers;
    this.#method = method;
    this.#options = options;
    this.#message = new StreamMessage(options.maxMessageBytes);
    if (timeoutMs === Number.POSITIVE_INFINITY) {
      this.#deadlineMs = timeoutMs;
      this.#deadline = undefined;
    } else {
      const { clock, scheduler } = options.env;
      this.#deadlineMs = clock.nowMs() + timeoutMs;
      this.#deadline = scheduler.after(timeoutMs, () => this.#expire());
    }
    stream.on('error', ignoreError);
    stream.on('close', () => this.#close());
    stream.on('end', () => this.#dispatch());
    stream.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  get metadata(): IncomingMetadata {
    return new HeaderMetadata(this.#headers);
  }

  getDeadline(): number {
    return this.#deadlineMs;
  }

  getPeer(): string {
    const socket = this.#stream.session?.socket;
    return socket?.remoteAddress === undefined ? 'unknown' : `${socket.remoteAddress}:${socket.remotePort}`;
  }

  getAuthContext(): { readonly sslPeerCertificate?: PeerCertificate } {
    const socket = this.#stream.session?.socket;
    if (!(socket instanceof TLSSocket) || !socket.authorized) return {};
    const certificate = socket.getPeerCertificate();
    return 'raw' in certificate ? { sslPeerCertificate: certificate } : {};
  }

  on(_event: 'cancelled', listener: () => unknown): void {
    if (this.#listeners === undefined) this.#listeners = [listener];
    else this.#listeners.push(listener);
  }

  #receive(chunk: Buffer): void {
    if (this.#isAnswered) return;
    const refusal = this.#message.add(chunk);
    if (refusal === 'too large') {
      const { size } = this.#message;
      const details = `Received message larger than max (${size} vs ${this.#options.maxMessageBytes})`;
      this.#fail(plainStatusHeaders(status.RESOURCE_EXHAUSTED, details));
    } else if (refusal === 'a second one') {
      const details = `Received a second request message for ${this.#method.path}`;
      this.#fail(plainStatusHeaders(status.UNIMPLEMENTED, details));
    }
  }

  #dispatch(): void {
    if (this.#isAnswered) return;
    const bytes = this.#message.take();
    if (bytes === undefined) {
      const details = `Received no request message for ${this.#method.path}`;
      this.#fail(plainStatusHeaders(status.UNIMPLEMENTED, details));
      return;
    }
    this.request = this.#method.decode(bytes);
    this.#method.handle(this, (error, reply) => this.#answer(error, reply));
  }

  #answer(error: GrpcStatus | null, reply: unknown): void {
    if (this.#isOver()) return;
    if (error !== null) {
      this.#fail(statusHeaders(error));
      return;
    }
    let bytes: Uint8Array;
    try {
      bytes = this.#method.encode(reply);
    } catch (cause) {
      this.#method.report(cause);
      this.#fail(plainStatusHeaders(status.INTERNAL, 'Error serializing response'));
      return;
    }
    const most = this.#options.maxMessageBytes;
    if (bytes.length > most) {
      const details = `Sent message larger than max (${bytes.length} vs. ${most})`;
      this.#fail(plainStatusHeaders(status.RESOURCE_EXHAUSTED, details));
      return;
    }
    this.#end();
    const frame = Buffer.allocUnsafe(bytes.length + 5);
    frame[0] = 0;
    frame.writeUInt32BE(bytes.length, 1);
    frame.set(bytes, 5);
    const stream = this.#stream;
    stream.respond(ANSWER_HEADERS, WITH_TRAILERS);
    stream.on('wantTrailers', sendOkTrailers);
    stream.end(frame);
  }

  /** What still comes of the request is thrown away. */
  #fail(headers: OutgoingHttpHeaders): void {
    if (this.#isOver()) return;
    this.#end();
    this.#stream.respond(headers, LAST);
  }

  #isOver(): boolean {
    return this.#isAnswered || this.#stream.destroyed || this.#stream.closed;
  }

  #end(): void {
    this.#isAnswered = true;
    this.#deadline?.cancel();
  }

  #expire(): void {
    if (this.#isAnswered) return;
    this.#fail(plainStatusHeaders(status.DEADLINE_EXCEEDED, 'Deadline exceeded'));
    this.#cancel();
  }

  #close(): void {
    if (this.#isAnswered) return;
    this.#end();
    this.#cancel();
  }

  #cancel(): void {
    this.cancelled = true;
    for (const listener of this.#listeners ?? []) listener();
  }
}

// What gRPC may carry as text, so that a call can be forwarded with it.
const PRINTABLE = /^[\x20-\x7e]*$/;

class HeaderMetadata implements IncomingMetadata {
  readonly #headers: IncomingHttpHeaders;

  constructor(headers: IncomingHttpHeaders) {
    this.#headers = headers;
  }

  get(key: string): readonly string[] {
    const value = this.#headers[key];
    if (value === undefined) return [];
    return (typeof value === 'string' ? [value] : value).filter((text) => PRINTABLE.test(text));
  }
}
