// The worker of the orders: node --import tsx examples/rest-gateway/worker.ts --address 127.0.0.1:7833 --domain default
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createWorker } from '@antiphon/sdk/worker';
import { TASK_LIST } from './service.ts';

const { values } = parseArgs({
  options: { address: { type: 'string', default: '127.0.0.1:7833' }, domain: { type: 'string', default: 'default' } },
});
const worker = await createWorker({
  address: values.address,
  domain: values.domain,
  taskList: TASK_LIST,
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
});
const stop = (): void => {
  worker.shutdown().catch((error: unknown) => {
    process.stderr.write(`${error}\n`);
    process.exitCode = 1;
  });
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
process.stdout.write(`worker ready: ${values.address} ${values.domain}/${TASK_LIST}\n`);
await worker.run();
