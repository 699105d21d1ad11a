// A region on memory behind gRPC and behind the gateway, and ways to speak HTTP to it: fetch for what it does well, a raw socket for the rest.
import http from 'node:http';
import net from 'node:net';
import { loadConfig } from '#config';
import { createRealEnv } from '#env';
import { type Gateway, type GatewayOptions, startGateway } from '#gateway';
import type { Services } from '#rpc';
import { type RunningServer, startServer } from '#server';

export interface Target {
  readonly server: RunningServer;
  /** http://127.0.0.1:port */
  readonly url: string;
  readonly port: number;
  /** A second gateway on the same region. */
  gateway(options: Partial<GatewayOptions>): Promise<Gateway>;
  stop(): Promise<void>;
}

export const DOMAIN = 'shop';

export async function openTarget(options: Partial<GatewayOptions> = {}): Promise<Target> {
  const server = await startServer(
    loadConfig({
      files: ['config/development.yaml'],
      overrides: {
        frontend: { address: '127.0.0.1:0' },
        metrics: { address: '' },
        persistence: { driver: 'memory' },
        domains: { preregister: [DOMAIN] },
        log: { level: 'error' },
      },
      environment: {},
    }),
  );
  const opened: Gateway[] = [];
  const gateway = async (more: Partial<GatewayOptions>): Promise<Gateway> => {
    const services: Services = server.region.frontend.services;
    const started = await startGateway({ env: createRealEnv(), address: '127.0.0.1:0', services, ...more });
    opened.push(started);
    return started;
  };
  const { port } = await gateway(options);
  return {
    server,
    url: `http://127.0.0.1:${port}`,
    port,
    gateway,
    async stop() {
      for (const each of opened) await each.stop(500);
      await server.stop();
    },
  };
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly text: string;
  // What tests look into.
  // biome-ignore lint/suspicious/noExplicitAny: the body of an answer is whatever the test says it is
  readonly body: any;
}

/** One request on a connection of its own, headers as they are given. */
export function send(
  target: { readonly port: number },
  method: string,
  path: string,
  given: { body?: string | Buffer | object; headers?: http.OutgoingHttpHeaders; signal?: AbortSignal } = {},
): Promise<Answer> {
  const { body, headers = {}, signal } = given;
  const bytes = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const type =
    bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) };
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        host: '127.0.0.1',
        port: target.port,
        method,
        path,
        headers: { ...type, ...headers },
        agent: false,
        ...(signal && { signal }),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(bytes);
  });
}

export const post = (
  target: { readonly port: number },
  path: string,
  body: string | object = {},
  headers: http.OutgoingHttpHeaders = {},
) => send(target, 'POST', path, { body, headers });
export const get = (target: { readonly port: number }, path: string, headers: http.OutgoingHttpHeaders = {}) =>
  send(target, 'GET', path, { headers });

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Pages and JSON lines are looked at as text.
  }
}

/** Writes bytes to a socket, and reads until the other end closes it. */
export function raw(target: { readonly port: number }, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(target.port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    // A reset after the answer is an end as well.
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.write(bytes);
  });
}
