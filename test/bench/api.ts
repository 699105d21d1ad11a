// The client of the bench and of chaos: unary calls with the generated static codecs straight on node:http2, no SDK and no grpc-js, whose client took as
// much processor time a call as the server that was to be measured beside it. A connection is opened by the first call and again by the next one
// after it broke. A call ends once: with the reply, with the status that the server gave, or as Unavailable or DeadlineExceeded of its own.
import http2, {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { DomainAPIService, VisibilityAPIService, WorkerAPIService, WorkflowAPIService } from '@antiphon/proto';
import { type MethodDefinition, status } from '@grpc/grpc-js';

type Methods = Readonly<Record<string, MethodDefinition<unknown, unknown>>>;

/** A service of a server, over the connection of its Api. */
export interface Service {
  readonly methods: Methods;
  readonly connection: Connection;
}

export interface Api {
  readonly workflow: Service;
  readonly worker: Service;
  readonly domain: Service;
  readonly visibility: Service;
  close(): void;
}

/** With the status's code and text where grpc-js's clients have them. */
export class CallError extends Error {
  readonly code: number;
  readonly details: string;

  constructor(code: number, details: string) {
    super(`${code} ${status[code] ?? ''}: ${details}`);
    this.code = code;
    this.details = details;
  }
}

const HEADERS: OutgoingHttpHeaders = {
  ':method': 'POST',
  'content-type': 'application/grpc',
  te: 'trailers',
  'rpc-caller': 'antiphon-bench',
  'rpc-service': 'cadence-frontend',
  'rpc-encoding': 'proto',
  'cadence-client-name': 'uber-go',
  'cadence-client-feature-version': '1.7.0',
  'cadence-client-library-version': '1.3.0',
};
const FRAME_HEAD_BYTES = 5;
// As large as gRPC's clients make them, so that long histories do not wait for window updates.
const WINDOW_BYTES = 8 * 1024 * 1024;

class Connection {
  readonly #address: string;
  readonly #headers: OutgoingHttpHeaders;
  #session: ClientHttp2Session | undefined;

  constructor(address: string, token: string) {
    this.#address = address;
    this.#headers = { ...HEADERS, ...(token !== '' && { 'cadence-authorization': token }) };
  }

  request(path: string, timeoutMs: number): ClientHttp2Stream {
    return this.#open().request({ ...this.#headers, ':path': path, 'grpc-timeout': `${timeoutMs}m` });
  }

  close(): void {
    this.#session?.destroy();
  }

  #open(): ClientHttp2Session {
    const known = this.#session;
    if (known !== undefined && !known.closed && !known.destroyed) return known;
    const session = http2.connect(`http://${this.#address}`, { settings: { initialWindowSize: WINDOW_BYTES } });
    session.once('connect', () => session.setLocalWindowSize(WINDOW_BYTES));
    // Each of its calls ends with an error of its own.
    session.on('error', () => {});
    this.#session = session;
    return session;
  }
}

/** A connection of its own for each, which the first call opens. */
export function openApi(address: string, token = ''): Api {
  const connection = new Connection(address, token);
  const service = (methods: object): Service => ({ methods: methods as Methods, connection });
  return {
    workflow: service(WorkflowAPIService),
    worker: service(WorkerAPIService),
    domain: service(DomainAPIService),
    visibility: service(VisibilityAPIService),
    close: () => connection.close(),
  };
}

/** gRPC's frame: no compression, length, message. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(FRAME_HEAD_BYTES + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}

const statusOf = (headers: IncomingHttpHeaders): CallError | undefined =>
  headers['grpc-status'] === undefined || headers['grpc-status'] === '0'
    ? undefined
    : new CallError(Number(headers['grpc-status']), decodeURIComponent(String(headers['grpc-message'] ?? '')));

/** One unary call as a promise. */
export function call<R>(
  { methods, connection }: Service,
  name: string,
  request: unknown,
  timeoutMs = 30_000,
): Promise<R> {
  const method = methods[name];
  if (method === undefined) throw new Error(`no method ${name}`);
  return new Promise((resolve, reject) => {
    const stream = connection.request(method.path, timeoutMs);
    const chunks: Buffer[] = [];
    let ended: CallError | 'ok' | undefined;
    const read = (headers: IncomingHttpHeaders): void => {
      if (headers['grpc-status'] !== undefined) ended = statusOf(headers) ?? 'ok';
    };
    const timer = setTimeout(() => {
      ended ??= new CallError(status.DEADLINE_EXCEEDED, `no answer in ${timeoutMs} ms`);
      stream.close(http2.constants.NGHTTP2_CANCEL);
    }, timeoutMs);
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', (error) => {
      ended ??= new CallError(status.UNAVAILABLE, error.message);
    });
    stream.on('close', () => {
      clearTimeout(timer);
      if (ended !== 'ok') return reject(ended ?? new CallError(status.UNAVAILABLE, 'the connection was lost'));
      const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      resolve(method.responseDeserialize(body.subarray(FRAME_HEAD_BYTES)) as R);
    });
    stream.end(framed(method.requestSerialize(request)));
  });
}
