// What every example needs around its workflow: a client, a domain, and a worker on a task list of its own for as long as the
// example runs. An application has the same in its own main file; see order/worker.ts.
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Client, createClient, isRpcError } from '@antiphon/sdk/client';
import { createStderrLogger, createWorker } from '@antiphon/sdk/worker';

export interface Stage {
  readonly client: Client;
  readonly taskList: string;
}

/** Runs the body while a worker serves the example's workflows and activities. */
export async function withWorker<T>(
  target: { readonly address: string; readonly domain?: string },
  code: { readonly workflows: URL; readonly activities?: object },
  body: (stage: Stage) => Promise<T>,
): Promise<T> {
  const { address, domain = 'examples' } = target;
  const client = createClient({ address, domain });
  await client.domain.register(domain, { retention: '1d' }).catch((error: unknown) => {
    if (!isRpcError(error, 'DomainAlreadyExists')) throw error;
  });
  const taskList = `example-${randomUUID()}`;
  const worker = await createWorker({
    connection: client.connection,
    domain,
    taskList,
    workflowsPath: fileURLToPath(code.workflows),
    activities: code.activities ?? {},
    log: createStderrLogger('error'),
  });
  worker.start();
  try {
    return await body({ client, taskList });
  } finally {
    await worker.shutdown();
    client.close();
  }
}

/** Lets an example be run by itself: `node --import tsx examples/hello/run.ts --address 127.0.0.1:7833`. */
export async function runAsMain(
  moduleUrl: string,
  run: (address: string, domain?: string) => Promise<void>,
): Promise<void> {
  if (process.argv[1] === undefined || fileURLToPath(moduleUrl) !== process.argv[1]) return;
  const { values } = parseArgs({ options: { address: { type: 'string' }, domain: { type: 'string' } } });
  await run(values.address ?? '127.0.0.1:7833', values.domain);
  process.stdout.write('ok\n');
}
