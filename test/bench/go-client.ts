// Workflows of one activity by the unmodified Go client: test/compat/go/bench, in processes of its own, does the work and measures it. Here it is built
// and started, and what its processes and the servers spent is read at the edges of its window.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { withDeployment } from './deployed.ts';
import { DOMAIN } from './domain.ts';
import type { Measured } from './measure.ts';
import type { BenchOptions, Row } from './scenarios.ts';
import { cpuSecondsOf, type Usage } from './target.ts';
import { UsageError } from './usage-error.ts';
import { type Edge, valuesOf } from './values.ts';

const SOURCE = 'test/compat/go';
const BINARY = '.cache/bench/go-client';

/** What the program prints, a line each. */
type Line = { readonly pids: readonly number[] } | { readonly edge: 'start' | 'end' } | Measured;

/** The path of the program. Go's build cache makes the second time quick. */
function buildGoClient(): string {
  if (spawnSync('go', ['version']).status !== 0) {
    throw new UsageError('go-activity-… needs the Go toolchain, 1.23 or newer, as `go` on PATH (https://go.dev/dl)');
  }
  const binary = path.resolve(BINARY);
  const built = spawnSync('go', ['build', '-o', binary, './bench'], { cwd: path.resolve(SOURCE), stdio: 'inherit' });
  if (built.status !== 0) throw new UsageError(`the Go client's load does not build: go build ./bench in ${SOURCE}`);
  return binary;
}

function programArguments(options: BenchOptions, addresses: readonly string[], concurrency: number): readonly string[] {
  const { warmUpSeconds, seconds, operations = 0, goWorkers, goPollers } = options;
  const values = {
    address: addresses.join(','),
    domain: DOMAIN,
    concurrency,
    'warm-up': `${warmUpSeconds}s`,
    window: `${seconds}s`,
    operations,
    workers: goWorkers,
    pollers: goPollers,
  };
  return Object.entries(values).map(([name, value]) => `-${name}=${value}`);
}

/** Its window's edges and its result, as it prints them. */
async function follow(
  child: ChildProcess & { readonly stdin: Writable; readonly stdout: Readable },
  usage: () => Usage,
): Promise<{ readonly edges: readonly [Edge, Edge]; readonly result: Measured }> {
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const edges: Edge[] = [];
  let pids: readonly number[] = [];
  let result: Measured | undefined;
  for await (const text of createInterface(child.stdout)) {
    const line = JSON.parse(text) as Line;
    if ('pids' in line) pids = line.pids;
    else if ('count' in line) result = line;
    else {
      edges.push({ usage: usage(), clientCpuSeconds: pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0) });
      // Until then its processes are there to be read.
      if (line.edge === 'end') child.stdin.end();
    }
  }
  const code = await exited;
  const [start, end] = edges;
  if (result === undefined || start === undefined || end === undefined) {
    throw new Error(`the Go client's load ended with ${code} before it had measured`);
  }
  return { edges: [start, end], result };
}

export async function goActivity(options: BenchOptions, concurrency: number): Promise<Row> {
  const binary = buildGoClient();
  return withDeployment(options.target, async (deployment) => {
    const child = spawn(binary, programArguments(options, deployment.addresses, concurrency), {
      stdio: ['pipe', 'pipe', 'inherit'],
      // A worker needs a fraction of a core, and all share the cores with the server. A value from outside wins.
      env: { GOMAXPROCS: '1', ...process.env },
    });
    try {
      const { edges, result } = await follow(child, () => deployment.usage());
      return { scenario: `go activity c=${concurrency}`, values: valuesOf(result, edges, deployment) };
    } finally {
      child.kill();
    }
  });
}
