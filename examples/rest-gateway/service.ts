// A REST service over workflows with no SDK in it: every request of its own becomes one request to Antiphon's HTTP API. It keeps no state, so any
// number of them may run, and none may lose an order.
//   POST /orders                    {"item": "lamp", "steps": ["pay", "ship"]}   → 201 {"id": …}
//   POST /orders/{id}/steps/{step}  {"by": "ada"}                                → 202
//   GET  /orders/{id}                                                            → its progress
//   GET  /orders/{id}/result                                                     → waits for the end
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const TASK_LIST = 'fulfilment';

export interface OrderService {
  readonly url: string;
  close(): Promise<void>;
}

interface Target {
  /** Of Antiphon: http://127.0.0.1:8800 */
  readonly antiphon: string;
  readonly domain: string;
  readonly taskList?: string;
  readonly port?: number;
}

interface Answer {
  readonly status: number;
  readonly body: object;
}

export async function serveOrders({ antiphon, domain, taskList = TASK_LIST, port = 0 }: Target): Promise<OrderService> {
  const workflows = `${antiphon}/api/v1/domains/${encodeURIComponent(domain)}/workflows`;

  async function call(path: string, body?: object): Promise<Answer> {
    const init = body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    };
    const response = await fetch(`${workflows}${path}`, init);
    return { status: response.status, body: (await response.json()) as object };
  }

  async function route(method: string, path: string, body: Readonly<Record<string, unknown>>): Promise<Answer> {
    const [, root, id, part, step] = path.split('/');
    if (root !== 'orders') return { status: 404, body: { error: 'orders are at /orders' } };
    if (method === 'POST' && id === undefined) {
      // The caller's own id makes a repeated request harmless: the second one finds the order there.
      const started = await call('', {
        workflowType: 'fulfilment',
        taskList,
        input: body,
        ...(body.id ? { workflowId: body.id } : {}),
      });
      const { workflowId } = started.body as { workflowId?: string };
      return workflowId === undefined ? started : { status: 201, body: { id: workflowId } };
    }
    if (method === 'POST' && part === 'steps' && step !== undefined) {
      const signalled = await call(`/${id}/signals/completeStep`, {
        input: { step: decodeURIComponent(step), by: body.by ?? 'somebody' },
      });
      return signalled.status === 200 ? { status: 202, body: {} } : signalled;
    }
    if (method === 'GET' && id !== undefined) {
      const answer = await call(part === 'result' ? `/${id}/result` : `/${id}/queries/progress`);
      const { result } = answer.body as { result?: object };
      return result === undefined ? answer : { status: 200, body: result };
    }
    return { status: 405, body: { error: `${method} is not known here` } };
  }

  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', async () => {
      const answer = await answerTo(() => route(request.method ?? '', request.url ?? '/', JSON.parse(text || '{}')));
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
    });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answerTo(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    const status = error instanceof SyntaxError ? 400 : 502;
    return { status, body: { error: (error as Error).message } };
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      antiphon: { type: 'string', default: 'http://127.0.0.1:8800' },
      domain: { type: 'string', default: 'default' },
      port: { type: 'string', default: '3000' },
    },
  });
  const { url } = await serveOrders({ antiphon: values.antiphon, domain: values.domain, port: Number(values.port) });
  process.stdout.write(`orders at ${url}/orders\n`);
}
