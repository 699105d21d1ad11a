// A worker process for orders: node --import tsx examples/order/worker.ts --address 127.0.0.1:7833 --domain shop --task-list orders
// Give several addresses, one a region, separated by commas: it serves them all, and so goes on after a failover.
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bundleWorkflows, createWorker } from '@antiphon/sdk/worker';
import * as activities from './activities.ts';

const { values } = parseArgs({
  options: {
    address: { type: 'string', default: '127.0.0.1:7833' },
    domain: { type: 'string', default: 'examples' },
    'task-list': { type: 'string', default: 'orders' },
  },
});
const addresses = values.address.split(',');
const workflowBundle = await bundleWorkflows({
  workflowsPath: fileURLToPath(new URL('./workflows.ts', import.meta.url)),
});
const workers = await Promise.all(
  addresses.map((address) =>
    createWorker({ address, domain: values.domain, taskList: values['task-list'], workflowBundle, activities }),
  ),
);
const stop = (): void => {
  Promise.all(workers.map((worker) => worker.shutdown())).catch((error: unknown) => {
    process.stderr.write(`${error}\n`);
    process.exitCode = 1;
  });
};
process.once('SIGINT', stop);
process.once('SIGTERM', stop);
const running = workers.map((worker) => worker.run());
process.stdout.write(`worker ready: ${addresses.join(', ')} ${values.domain}/${values['task-list']}\n`);
await Promise.all(running);
