// One HTTP request on kept connections.
import http from 'node:http';
import type { HttpRequest } from './http-requests.ts';
import { READ_MS } from './transport.ts';

export interface HttpAnswer {
  /** 0: the connection ended without an answer. */
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  readonly isLate: boolean;
  readonly tookMs: number;
}

export interface HttpTransport {
  call(request: HttpRequest, patienceMs: number): Promise<HttpAnswer>;
  close(): void;
}

export function openHttpTransport(address: string, headers: Readonly<Record<string, string>> = {}): HttpTransport {
  const [host, port] = address.split(':');
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  return {
    call: (request, patienceMs) =>
      new Promise((resolve) => {
        const startedMs = performance.now();
        const chunks: Buffer[] = [];
        let isLate = false;
        const finish = (status: number, contentType: string): void => {
          clearTimeout(timer);
          resolve({ status, contentType, body: Buffer.concat(chunks), isLate, tookMs: performance.now() - startedMs });
        };
        const outgoing = http.request(
          {
            host,
            port: Number(port),
            agent,
            method: request.method,
            path: request.path,
            headers: { ...headers, ...request.headers, 'content-length': String(request.body.length) },
          },
          (incoming) => {
            incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
            incoming.on('error', () => finish(0, ''));
            incoming.on('end', () => finish(incoming.statusCode ?? 0, String(incoming.headers['content-type'] ?? '')));
          },
        );
        let timer = setTimeout(() => {
          timer = setTimeout(() => {
            isLate = true;
            outgoing.destroy();
          }, READ_MS);
        }, patienceMs);
        outgoing.on('error', () => finish(0, ''));
        outgoing.end(request.body);
      }),
    close: () => agent.destroy(),
  };
}
