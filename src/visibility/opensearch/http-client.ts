// JSON over HTTP to OpenSearch or Elasticsearch (7, 8): what both have in common needs no client library. Connections are kept and bounded in
// number, answers in size and time. Every request of this driver may be repeated, so one that a node does not take goes to the next. While no node
// answers, requests fail at once for a while (a breaker): whoever retries holds nothing meanwhile, and other work of his goes on.
import http from 'node:http';
import https from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { StoreError } from '#base';
import type { Env } from '#env';

export interface OpenSearchConnection {
  /** http://host:9200 of some or all nodes. */
  readonly urls: readonly string[];
  /** The header Authorization, as `Basic …` or `ApiKey …`; empty for none. */
  readonly authorization?: string | undefined;
  /** Read for each new connection: certificates are renewed while the server runs. */
  readonly tls?: (() => ConnectionOptions) | undefined;
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface OpenSearchClient {
  /** `lines`: newline-delimited JSON as _bulk takes it. Throws StoreError when there is no answer, or one of an overload. */
  send(method: string, path: string, body?: unknown, lines?: string): Promise<Answer>;
  close(): void;
}

const SOCKETS_MAX = 16;
const ANSWER_BYTES_MAX = 128 * 1024 * 1024;
const PAUSE_MS_MIN = 200;
const PAUSE_MS_MAX = 5_000;
// Overload and nodes that come or go.
const RETRIED_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const agentOf = (url: URL, tls: OpenSearchConnection['tls']): http.Agent => {
  const options = { keepAlive: true, maxSockets: SOCKETS_MAX, maxFreeSockets: SOCKETS_MAX };
  return url.protocol === 'https:' ? new https.Agent({ ...options, ...tls?.() }) : new http.Agent(options);
};

interface Node {
  readonly url: URL;
  agent: http.Agent;
  /** The certificates that its agent was made with. */
  tls: ConnectionOptions | undefined;
}

class NodeClient implements OpenSearchClient {
  readonly #env: Env;
  readonly #connection: OpenSearchConnection;
  readonly #nodes: readonly Node[];
  #next = 0;
  #failures = 0;
  #pausedUntilMs = 0;

  constructor(env: Env, connection: OpenSearchConnection) {
    this.#env = env;
    this.#connection = connection;
    this.#nodes = connection.urls.map((text) => {
      const url = new URL(text);
      return { url, agent: agentOf(url, connection.tls), tls: connection.tls?.() };
    });
  }

  async send(method: string, path: string, body?: unknown, lines?: string): Promise<Answer> {
    if (this.#env.clock.monotonicMs() < this.#pausedUntilMs) {
      throw new StoreError('Unavailable', `${this.#name} did not answer just now`);
    }
    const text = lines ?? (body === undefined ? '' : JSON.stringify(body));
    const type = lines === undefined ? 'application/json' : 'application/x-ndjson';
    let failure: unknown;
    for (let attempt = 0; attempt < this.#nodes.length; attempt++) {
      const node = this.#nodes[this.#next++ % this.#nodes.length] as Node; // there is at least one
      try {
        const answer = await this.#ask(node, method, path, text, type);
        if (!RETRIED_STATUSES.has(answer.status)) {
          this.#failures = 0;
          return answer;
        }
        failure = new StoreError('Unavailable', `${node.url.host} answers ${answer.status}: ${reasonOf(answer.body)}`);
      } catch (error) {
        if (error instanceof StoreError && error.kind === 'Full') throw error;
        failure = error;
      }
    }
    this.#pause();
    if (failure instanceof StoreError) throw failure;
    throw new StoreError('Unavailable', `${this.#name} does not answer: ${String(failure)}`, { cause: failure });
  }

  close(): void {
    for (const { agent } of this.#nodes) agent.destroy();
  }

  get #name(): string {
    return this.#nodes.map(({ url }) => url.host).join(', ');
  }

  #pause(): void {
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.#failures++);
    this.#pausedUntilMs = this.#env.clock.monotonicMs() + pauseMs;
  }

  #agent(node: Node): http.Agent {
    const tls = this.#connection.tls?.();
    if (tls?.ca === node.tls?.ca && tls?.cert === node.tls?.cert) return node.agent;
    node.agent.destroy();
    node.tls = tls;
    node.agent = agentOf(node.url, this.#connection.tls);
    return node.agent;
  }

  #ask(node: Node, method: string, path: string, text: string, type: string): Promise<Answer> {
    const { env, connection } = { env: this.#env, connection: this.#connection };
    const headers: http.OutgoingHttpHeaders = {
      accept: 'application/json',
      ...(text !== '' && { 'content-type': type, 'content-length': Buffer.byteLength(text) }),
      ...(connection.authorization && { authorization: connection.authorization }),
    };
    const prefix = node.url.pathname.replace(/\/$/, '');
    const request = (node.url.protocol === 'https:' ? https : http).request(new URL(`${prefix}${path}`, node.url), {
      method,
      headers,
      agent: this.#agent(node),
    });
    return new Promise<Answer>((resolve, reject) => {
      const timer = env.scheduler.after(connection.timeoutMs, () => {
        const message = `${node.url.host} did not answer within ${connection.timeoutMs} ms`;
        request.destroy(new StoreError('Timeout', message));
      });
      const fail = (error: unknown): void => {
        timer.cancel();
        reject(error);
      };
      request.on('error', fail);
      request.on('response', (response) => {
        readAnswer(response).then((answer) => {
          timer.cancel();
          resolve(answer);
        }, fail);
      });
      request.end(text);
    });
  }
}

async function readAnswer(response: http.IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) throw new StoreError('Full', `an answer is larger than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString();
  const isJson = /json/.test(response.headers['content-type'] ?? '');
  return { status: response.statusCode ?? 0, body: isJson && text !== '' ? JSON.parse(text) : text };
}

/** What an error says, of the forms that there are. */
export function reasonOf(body: unknown): string {
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as { error?: unknown };
  if (typeof error === 'string') return error;
  if (typeof error !== 'object' || error === null) return String(body).slice(0, 200);
  const { type, reason, root_cause, caused_by } = error as Record<string, unknown>;
  const causes = [...(Array.isArray(root_cause) ? root_cause : []), caused_by].flatMap((cause) =>
    typeof cause === 'object' && cause !== null ? [String((cause as { reason?: unknown }).reason)] : [],
  );
  return [`${String(type)}: ${String(reason)}`, ...new Set(causes)].join('; ').slice(0, 1000);
}

export const createOpenSearchClient = (env: Env, connection: OpenSearchConnection): OpenSearchClient =>
  new NodeClient(env, connection);
