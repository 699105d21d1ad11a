// gRPC by hand over HTTP/2: every header and every byte is the fuzzer's choice, and so is when it hangs up.
import http2 from 'node:http2';
import { Status } from '@antiphon/proto/google';

export interface GrpcCall {
  readonly path: string;
  /** As they go out; pseudo headers included. */
  readonly headers: Readonly<Record<string, string>>;
  /** Length-prefixed messages, or what looks like them; undefined: the body is never begun. */
  readonly body: Uint8Array | undefined;
  /** `cancel`: hang up after writing; `half`: leave the stream open. */
  readonly ending: 'end' | 'cancel' | 'half';
  /** How long the caller waits before it calls the answer missing. */
  readonly patienceMs: number;
}

export interface GrpcAnswer {
  readonly httpStatus: number;
  /** undefined: none came. */
  readonly code: number | undefined;
  readonly message: string;
  /** Type names of the details. */
  readonly details: readonly string[];
  /** The bytes of the reply message, without its prefix. */
  readonly reply: Buffer;
  /** Everything that came, for a search of what must not. */
  readonly raw: readonly Buffer[];
  /** Why the stream ended without an end, if it did. */
  readonly reset: string | undefined;
  readonly isLate: boolean;
  readonly tookMs: number;
}

export interface Transport {
  call(call: GrpcCall): Promise<GrpcAnswer>;
  close(): void;
}

const PREFIX_BYTES = 5;
const SESSION_MEGABYTES_MAX = 100_000;
/** For answers that came while this process was busy: Node looks at its timers before it reads. */
export const READ_MS = 1000;
export const LARGE_BYTES = 32 * 1024;

export function frame(message: Uint8Array, isCompressed = false): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt8(isCompressed ? 1 : 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

export function openTransport(address: string, connections = 4): Transport {
  const sessions: (http2.ClientHttp2Session | undefined)[] = [];
  let next = 0;
  const session = (bytes: number): http2.ClientHttp2Session => {
    // A connection's flow control lets 64 KiB be on their way: large messages hold up only each other.
    const index = (next++ % connections) + (bytes > LARGE_BYTES ? connections : 0);
    const found = sessions[index];
    if (found !== undefined && !found.closed && !found.destroyed) return found;
    const opened = http2.connect(`http://${address}`, {
      settings: { initialWindowSize: 1 << 24 },
      // Large messages on their way out count; without room Node resets the streams of its own side.
      maxSessionMemory: SESSION_MEGABYTES_MAX,
    });
    opened.on('error', () => {}); // Its streams report it.
    // Hanging up often enough costs a connection; the next call opens another.
    opened.on('goaway', () => {
      if (sessions[index] === opened) sessions[index] = undefined;
    });
    sessions[index] = opened;
    return opened;
  };
  return {
    call: (call) => perform(session(call.body?.length ?? 0), call),
    close() {
      for (const one of sessions) one?.destroy();
    },
  };
}

function perform(session: http2.ClientHttp2Session, call: GrpcCall): Promise<GrpcAnswer> {
  return new Promise((resolve) => {
    const startedMs = performance.now();
    const chunks: Buffer[] = [];
    let headers: http2.IncomingHttpHeaders = {};
    let reset: string | undefined;
    let isLate = false;
    let stream: http2.ClientHttp2Stream;
    const finish = (): void => {
      clearTimeout(timer);
      resolve(answerOf(headers, chunks, { reset, isLate, tookMs: performance.now() - startedMs }));
    };
    let timer = setTimeout(() => {
      timer = setTimeout(() => {
        isLate = true;
        stream?.close(http2.constants.NGHTTP2_CANCEL);
      }, READ_MS);
    }, call.patienceMs);
    try {
      stream = session.request({ ':method': 'POST', ':path': call.path, ...call.headers });
    } catch (error) {
      reset = String(error); // The connection ended under us; the next call opens another.
      finish();
      return;
    }
    stream.on('response', (received) => {
      headers = { ...headers, ...received };
    });
    stream.on('trailers', (received) => {
      headers = { ...headers, ...received };
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', (error) => {
      reset = String(error);
    });
    // Answered while our side is open: as any client, we have nothing more to say.
    stream.on('end', () => {
      if (!stream.writableFinished) stream.close();
    });
    stream.on('close', finish);
    if (call.body !== undefined && call.body.length > 0) stream.write(call.body);
    if (call.ending === 'end') stream.end();
    if (call.ending === 'cancel') setImmediate(() => stream.close(http2.constants.NGHTTP2_CANCEL));
  });
}

function answerOf(
  headers: http2.IncomingHttpHeaders,
  chunks: readonly Buffer[],
  rest: Pick<GrpcAnswer, 'reset' | 'isLate' | 'tookMs'>,
): GrpcAnswer {
  const code = headers['grpc-status'];
  const text = String(headers['grpc-message'] ?? '');
  const encoded = headers['grpc-status-details-bin'];
  const detailBytes = typeof encoded === 'string' ? Buffer.from(encoded, 'base64') : undefined;
  const status = detailBytes === undefined ? undefined : Status.decode(detailBytes);
  const body = Buffer.concat(chunks);
  return {
    httpStatus: Number(headers[':status'] ?? 0),
    code: code === undefined ? undefined : Number(code),
    message: decodeMessage(text),
    details: (status?.details ?? []).map(({ typeUrl }) => typeUrl.slice(typeUrl.lastIndexOf('.') + 1)),
    reply: body.subarray(Math.min(body.length, PREFIX_BYTES)),
    raw: [body, Buffer.from(text), detailBytes ?? Buffer.alloc(0)],
    ...rest,
  };
}

function decodeMessage(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // Not percent-encoded: as it is.
  }
}
