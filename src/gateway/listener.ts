// The HTTP/1.1 listener: sockets, time-outs and limits. It accepts at most so many connections and so many calls at once, in all and on a connection
// (pipelining), gives a client a bounded time for headers and body and for taking its answer, and ends gracefully.
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { badRequest, deadlineExceeded } from '#base';
import type { Env } from '#env';
import type { ServerTls } from '#rpc';
import { type ErrorRenderer, HttpError } from './http-error.ts';

export interface ListenerOptions {
  readonly host: string;
  readonly port: number;
  /** undefined: plain HTTP. */
  readonly tls: ServerTls | undefined;
  readonly connectionsMax: number;
  readonly bodyBytesMax: number;
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
}

export interface Listener {
  readonly address: string;
  readonly port: number;
  /** Takes no more connections; closes those that are idle at once, the others after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

// A JWT of a caller with many groups fits.
const HEADER_BYTES_MAX = 32 * 1024;
const HEADERS_MAX = 128;
const CHECK_INTERVAL_MS_MAX = 2_000;

export async function listen(
  env: Env,
  options: ListenerOptions,
  onRequest: (request: http.IncomingMessage, response: http.ServerResponse) => void,
  render: ErrorRenderer,
): Promise<Listener> {
  const settings: http.ServerOptions = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: options.headersTimeoutMs,
    requestTimeout: options.requestTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS_MAX, options.headersTimeoutMs, options.requestTimeoutMs),
    noDelay: true,
  };
  const server = createServer(settings, options.tls);
  server.maxConnections = options.connectionsMax;
  server.maxHeadersCount = HEADERS_MAX;
  server.on('request', onRequest);
  server.on('checkContinue', (request: http.IncomingMessage, response: http.ServerResponse) => {
    // A body that will be refused need not be sent.
    if (Number(request.headers['content-length'] ?? 0) <= options.bodyBytesMax) response.writeContinue();
    onRequest(request, response);
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => refuse(socket, error, render));
  server.on('tlsClientError', (error) => env.logger.debug('TLS handshake failed', { component: 'http', error }));
  await bind(server, options);
  const bound = server.address() as AddressInfo; // A TCP server that listens.
  const { host } = options;
  return {
    address: `${host.includes(':') ? `[${host}]` : host}:${bound.port}`,
    port: bound.port,
    close: (graceMs) =>
      new Promise((resolve) => {
        const timer = env.scheduler.after(graceMs, () => server.closeAllConnections());
        server.close(() => {
          timer.cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

function createServer(settings: http.ServerOptions, tls: ServerTls | undefined): http.Server | https.Server {
  if (tls === undefined) return http.createServer(settings);
  const { files, requireClientAuth } = tls;
  const verification = { requestCert: requireClientAuth, rejectUnauthorized: requireClientAuth };
  const server = https.createServer({ ...settings, ...files.current(), ...verification });
  // Renewed certificates are for the connections that come.
  const stop = files.onChange((context) => server.setSecureContext(context));
  server.once('close', stop);
  return server;
}

function bind(server: http.Server, { host, port }: ListenerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (cause: Error): void =>
      reject(new Error(`cannot listen on ${host}:${port}: ${cause.message}`, { cause }));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve();
    });
  });
}

/** What is not HTTP, is too large to be it, or does not arrive. */
function refuse(socket: Duplex, error: NodeJS.ErrnoException, render: ErrorRenderer): void {
  const { _httpMessage: begun } = socket as Socket & { _httpMessage?: http.ServerResponse | null };
  // A second answer must not be written into one that is under way.
  if (!socket.writable || error.code === 'ECONNRESET' || begun?.headersSent) {
    socket.destroy(error);
    return;
  }
  const { status, body } = render(faultOf(error));
  const text = `${JSON.stringify(body)}\n`;
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\ncontent-type: application/json; charset=utf-8\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}

function faultOf({ code }: NodeJS.ErrnoException): HttpError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new HttpError(408, deadlineExceeded('The request did not arrive in time.'));
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new HttpError(431, badRequest(`The headers are larger than ${HEADER_BYTES_MAX} bytes.`));
  }
  return new HttpError(400, badRequest('This is not HTTP/1.1.'));
}
