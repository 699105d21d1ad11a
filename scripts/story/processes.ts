// The processes of the story: two regions and a worker in each, on folders of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

const root = [path.join(import.meta.dirname, '../..'), path.join(import.meta.dirname, '../../..')].find((folder) =>
  fs.existsSync(path.join(folder, 'bin/antiphon.mjs')),
) as string;

export const cliPath = path.join(root, 'bin/antiphon.mjs');

export interface RegionProcess {
  readonly name: string;
  readonly address: string;
  readonly folder: string;
  start(): Promise<void>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** The wanted port, or the next free one. */
export async function portFrom(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 100; port++) if (await isFree(port)) return port;
  throw new Error(`no free port from ${wanted} to ${wanted + 99}`);
}

const running = new Set<ChildProcess>();

/** Ends every process of the story, whatever happens to the story itself. */
export function killAll(): void {
  for (const child of running) child.kill('SIGKILL');
}

function track(child: ChildProcess): Promise<void> {
  running.add(child);
  return new Promise((resolve) =>
    child.once('exit', () => {
      running.delete(child);
      resolve();
    }),
  );
}

export interface RegionPlan {
  readonly name: string;
  readonly port: number;
  readonly metricsPort: number;
}

function writeConfig(plan: RegionPlan, plans: readonly RegionPlan[], folder: string): string {
  fs.mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'config.yaml');
  const members = plans
    .map(
      ({ name, port }, index) =>
        `    ${name}: { enabled: true, initialFailoverVersion: ${index}, rpcAddress: '127.0.0.1:${port}' }`,
    )
    .join('\n');
  fs.writeFileSync(
    file,
    `# Written by \`npm start\`: one of two regions on this machine.
cluster:
  current: ${plan.name}
  primary: ${plans[0]?.name}
  members:
${members}
frontend:
  address: 127.0.0.1:${plan.port}
metrics:
  address: 127.0.0.1:${plan.metricsPort}
persistence:
  sqlite:
    path: ${path.join(folder, 'antiphon.db')}
archival:
  enabled: true
  # One place for both regions, as a bucket would be: a domain's archival URI is the same everywhere. Each region writes
  # its own chain there.
  uri: file://${path.join(path.dirname(folder), 'archive')}
  delayMs: 500
domains:
  retentionSecondsMin: 1
  failoverCoolDownMs: 0
log:
  level: error
`,
  );
  return file;
}

export function createRegionProcess(plan: RegionPlan, plans: readonly RegionPlan[], dataFolder: string): RegionProcess {
  const folder = path.join(dataFolder, plan.name);
  const config = writeConfig(plan, plans, folder);
  let child: ChildProcess;
  let exited: Promise<void>;
  return {
    name: plan.name,
    address: `127.0.0.1:${plan.port}`,
    folder,
    async start() {
      child = spawn(process.execPath, [cliPath, 'server', 'start', '-c', config], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      exited = track(child);
      await new Promise<void>((resolve, reject) => {
        child.stdout?.once('data', () => resolve());
        child.once('exit', (code) => reject(new Error(`${plan.name} ended at its start with code ${code}`)));
      });
      child.stdout?.resume();
    },
    async kill(signal) {
      child.kill(signal);
      await exited;
    },
  };
}

export function startWorker(address: string, domain: string, taskList: string): ChildProcess {
  const file = path.join(root, 'examples/order/worker.ts');
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', file, '--address', address, '--domain', domain, '--task-list', taskList],
    {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  track(child).catch(() => undefined);
  // Its region will be killed: a worker complains of that, and the story has told it already.
  child.stderr?.resume();
  return child;
}

/** Runs the CLI, as a person would; resolves to its output. */
export function antiphon(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [cliPath, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    child.on('close', (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}
