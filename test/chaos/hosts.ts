// A host killed again and again under load with real workers: each kill is a SIGKILL at a random moment, the next process takes over the
// same store. At the end, at rest, the checkers read everything.
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { RegisterDomainRequest } from '@antiphon/proto';
import { call, openApi } from '../bench/api.ts';
import { freePort, makeFolder, type ServerProcess, startServerProcess } from '../bench/server-process.ts';
import { Journal } from '../support/checkers/index.ts';
import { own } from '../support/owned-processes.ts';
import { snapshotOf } from '../support/region-snapshot.ts';
import { startLoad } from './load.ts';
import { watchLogs } from './log-watch.ts';
import { drain } from './quiet.ts';
import { type ChaosResult, tally, violationsOf } from './verdict.ts';

export const TASK_LIST = 'chaos';
const DOMAIN = 'chaos';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export function startWorkerProcess(address: string, domain: string): ChildProcess {
  const file = path.join(import.meta.dirname, 'worker.js');
  const args = [file, '--address', address, '--domain', domain, '--task-list', TASK_LIST];
  return own(spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] }));
}

export async function killHosts(options: {
  kills: number;
  clients: number;
  log: (text: string) => void;
}): Promise<ChaosResult> {
  const folder = makeFolder();
  const port = await freePort();
  const logs = watchLogs();
  const start = (): Promise<ServerProcess> => startServerProcess({ folder, port, onLogLine: logs.see });
  let server = await start();
  const api = openApi(server.address);
  await call(
    api.domain,
    'registerDomain',
    RegisterDomainRequest.fromPartial({
      name: DOMAIN,
      workflowExecutionRetentionPeriod: { seconds: 86_400n, nanos: 0 },
    }),
  );
  const workers = [startWorkerProcess(server.address, DOMAIN), startWorkerProcess(server.address, DOMAIN)];
  const journal = new Journal();
  const load = startLoad({
    journal,
    addresses: [server.address],
    domain: DOMAIN,
    taskList: TASK_LIST,
    clients: options.clients,
    pauseMs: 200,
    attempts: 30,
  });
  for (let kill = 1; kill <= options.kills; kill++) {
    await pause(300 + Math.random() * 2500);
    await server.kill('SIGKILL');
    server = await start();
    if (kill % 10 === 0) {
      options.log(
        `${kill} kills, ${journal.count('acknowledged')} acknowledged, ${journal.count('unknown')} unknown calls`,
      );
    }
  }
  await load.stop();
  await drain(api, DOMAIN, load.workflowIds, 120_000);
  const snapshot = await snapshotOf(api, 'host', DOMAIN, load.workflowIds);
  for (const worker of workers) worker.kill('SIGKILL');
  api.close();
  await server.kill('SIGTERM');
  return {
    kills: options.kills,
    ...tally(journal, snapshot),
    violations: violationsOf(journal, snapshot, logs),
  };
}
