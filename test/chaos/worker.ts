// A worker process of the chaos runs: the TypeScript SDK, as an application would use it.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createWorker } from '@antiphon/sdk/worker';
import * as activities from './activities.ts';

const { values } = parseArgs({
  options: { address: { type: 'string' }, domain: { type: 'string' }, 'task-list': { type: 'string' } },
});

// The workflows are bundled from source; this file may run from the build.
const workflowsPath = ['workflows.ts', '../../../test/chaos/workflows.ts']
  .map((file) => path.join(import.meta.dirname, file))
  .find((file) => fs.existsSync(file)) as string;

const worker = await createWorker({
  address: values.address as string,
  domain: values.domain as string,
  taskList: values['task-list'] as string,
  workflowsPath,
  decisionPollers: 8,
  activityPollers: 8,
  activities,
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: (message, fields) => console.error(message, fields) },
});
await worker.run();
