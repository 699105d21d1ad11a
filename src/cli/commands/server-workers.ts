// server start --workers N: several processes behind one port of one machine, each with a core of its own. They are hosts of the region like any
// others; the process that was started only hands them the connections, starts again those that die, and ends with them. Each worker keeps its
// address for the others over a restart, so that it takes its shards back at once.
import cluster, { type Worker } from 'node:cluster';
import net from 'node:net';
import type { ServerConfig } from '#config';
import type { CliContext } from '../context.ts';
import { CliError, EXIT } from '../failure.ts';

export const WORKERS_MAX = 64;
const RESTART_MS = 1_000;
// A worker that is not up by then says why on its own output.
const START_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;

/** What a worker is told beside its config. */
export interface WorkerPlace {
  readonly rpcAddress: string;
  readonly rpcAdvertise: string;
  readonly metricsAddress: string;
}

const PLACE = 'ANTIPHON_WORKER_PLACE';

/** In a worker: where it listens for what is its own. Undefined in any other process. */
export function workerPlace(): WorkerPlace | undefined {
  const text = cluster.isWorker ? process.env[PLACE] : undefined;
  return text === undefined ? undefined : (JSON.parse(text) as WorkerPlace);
}

/** Tells the process that started this one that it serves. */
export function reportServing(address: string): void {
  if (cluster.isWorker) process.send?.({ serving: address });
}

/** The `index`th address from a base on; port 0 is any free one. */
async function addressAt(base: string, index: number): Promise<string> {
  if (base === '') return '';
  const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(base) ?? [];
  return `${host}:${port === '0' ? await freePort(host) : Number(port) + index}`;
}

function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = net.createServer();
    probe.once('error', reject);
    probe.listen({ host: host.replace(/^\[|\]$/g, ''), port: 0, exclusive: true }, () => {
      const found = probe.address();
      probe.close(() => resolve(typeof found === 'object' && found !== null ? found.port : 0));
    });
  });
}

/** Runs until SIGINT or SIGTERM has ended all workers. */
export async function runWorkers(count: number, config: ServerConfig, { output }: CliContext): Promise<void> {
  const { driver } = config.persistence;
  if (driver === 'memory' || driver === 'sqlite') {
    throw new CliError(`--workers ${count} needs a store that processes share, and ${driver} serves one process`, {
      hint: 'Set persistence.driver to cassandra, postgres or mysql, or leave --workers out.',
    });
  }
  const base = config.rpc.address === '' ? '127.0.0.1:0' : config.rpc.address;
  const places: WorkerPlace[] = [];
  for (let index = 0; index < count; index++) {
    places.push({
      rpcAddress: await addressAt(base, index),
      rpcAdvertise: await addressAt(config.rpc.advertise, index),
      metricsAddress: await addressAt(config.metrics.address, index),
    });
  }
  const crew = new Crew(places);
  const address = await crew.start();
  const all = places.map(({ metricsAddress }) => metricsAddress).filter((each) => each !== '');
  output.line(
    `${config.cluster.current} serves gRPC on ${address} with ${count} workers, metrics on ${all.join(', ') || 'no port'}`,
    { cluster: config.cluster.current, address, workers: count, metricsAddresses: all },
  );
  await crew.ended();
}

class Crew {
  readonly #places: readonly WorkerPlace[];
  readonly #alive = new Map<number, Worker>();
  #isStopping = false;
  #onEmpty: (() => void) | undefined;

  constructor(places: readonly WorkerPlace[]) {
    this.#places = places;
  }

  /** The first alone: it makes what a new store needs. Resolves with the address that all serve clients on. */
  async start(): Promise<string> {
    cluster.schedulingPolicy = cluster.SCHED_RR;
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => this.#stop());
    const address = await this.#serving(this.#fork(0));
    await Promise.all(this.#places.slice(1).map((_, index) => this.#serving(this.#fork(index + 1))));
    return address;
  }

  ended(): Promise<void> {
    if (this.#alive.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onEmpty = resolve;
    });
  }

  #fork(index: number): Worker {
    const worker = cluster.fork({ [PLACE]: JSON.stringify(this.#places[index]) });
    this.#alive.set(index, worker);
    worker.once('exit', () => {
      this.#alive.delete(index);
      if (this.#isStopping) {
        if (this.#alive.size === 0) this.#onEmpty?.();
        return;
      }
      setTimeout(() => this.#isStopping || this.#fork(index), RESTART_MS);
    });
    return worker;
  }

  #serving(worker: Worker): Promise<string> {
    return new Promise((resolve, reject) => {
      const fail = (why: string): void => {
        this.#stop();
        reject(new CliError(`a worker ${why}`, { exitCode: EXIT.unavailable }));
      };
      const timer = setTimeout(() => fail(`was not up within ${START_MS_MAX / 1000} s`), START_MS_MAX);
      const onExit = (): void => fail('ended before it served; it has said why');
      worker.once('exit', onExit);
      worker.on('message', (message: { readonly serving?: string }) => {
        if (message.serving === undefined) return;
        clearTimeout(timer);
        worker.off('exit', onExit);
        resolve(message.serving);
      });
    });
  }

  #stop(): void {
    if (this.#isStopping) return;
    this.#isStopping = true;
    for (const worker of this.#alive.values()) worker.process.kill('SIGTERM');
    if (this.#alive.size === 0) this.#onEmpty?.();
    setTimeout(() => {
      for (const worker of this.#alive.values()) worker.process.kill('SIGKILL');
    }, STOP_MS_MAX).unref();
  }
}
