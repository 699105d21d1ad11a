// The faults that hosts and their Cassandra meet. Each occurrence does its harm, waits until the region serves again, puts everything back and says how
// long what took.
import type { CassandraServer } from '../bench/cassandra-server.ts';
import type { Fleet } from './fleet.ts';
import type { Prober } from './prober.ts';
import type { TcpProxy } from './tcp-proxy.ts';

export interface Scene {
  readonly fleet: Fleet;
  readonly prober: Prober;
  /** Replaced when it was killed and started again. */
  cassandra: CassandraServer;
  /** Between the hosts and Cassandra. */
  readonly proxy: TcpProxy;
  /** How long Cassandra is stopped or slow. */
  readonly outageMs: number;
  /** Longer than a host's lease. */
  readonly freezeMs: number;
  /** Every duration that the report gives the spread of. */
  measure(what: string, ms: number): void;
  /** What callers were answered during an outage. */
  answered(status: string): void;
}

const SLOW_MS = 2_000;
/** A caller's deadline during an outage: what comes after it is no answer. */
const PATIENCE_MS = 10_000;
const CALLERS = 8;

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const randomHost = ({ fleet }: Scene): number => Math.floor(Math.random() * fleet.addresses.length);
const isAlone = ({ fleet }: Scene): boolean => fleet.addresses.length === 1;

async function killHost(scene: Scene): Promise<void> {
  const host = randomHost(scene);
  const killed = performance.now();
  await scene.fleet.kill(host, 'SIGKILL');
  if (!isAlone(scene)) {
    scene.measure('served by the others after', await scene.prober.untilServed(killed, host));
    await pause(Math.random() * 5_000);
  }
  const restarting = performance.now();
  await scene.fleet.restart(host);
  scene.measure('served by all after the restart', await scene.prober.untilServed(restarting));
}

async function freezeHost(scene: Scene): Promise<void> {
  const host = randomHost(scene);
  const frozen = performance.now();
  scene.fleet.freeze(host);
  if (!isAlone(scene)) scene.measure('served by the others after', await scene.prober.untilServed(frozen, host));
  await pause(Math.max(0, frozen + scene.freezeMs - performance.now()));
  const resumed = performance.now();
  scene.fleet.resume(host);
  scene.measure('served by all after the resumption', await scene.prober.untilServed(resumed));
}

/** Every host in turn is told to stop, ends by itself and is started again, as an upgrade does it. */
async function rollingRestart(scene: Scene): Promise<void> {
  for (let host = 0; host < scene.fleet.addresses.length; host++) {
    const told = performance.now();
    const ended = scene.fleet.kill(host, 'SIGTERM').then(() => performance.now() - told);
    if (!isAlone(scene)) scene.measure('served by the others after', await scene.prober.untilServed(told, host));
    scene.measure('ended after', await ended);
    const restarting = performance.now();
    await scene.fleet.restart(host);
    scene.measure('served by all after the restart', await scene.prober.untilServed(restarting));
    await pause(1_000);
  }
}

/** Callers that ask again and again until the outage is over. */
async function watchAnswers(scene: Scene, untilMs: number): Promise<void> {
  const caller = async (): Promise<void> => {
    while (performance.now() < untilMs) {
      scene.answered(await scene.prober.statusWithin(PATIENCE_MS));
      await pause(100);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
}

async function stopStore(scene: Scene): Promise<void> {
  process.kill(scene.cassandra.pid, 'SIGSTOP');
  const until = performance.now() + scene.outageMs;
  const watched = watchAnswers(scene, until);
  await pause(scene.outageMs);
  const resumed = performance.now();
  process.kill(scene.cassandra.pid, 'SIGCONT');
  scene.measure('served after Cassandra went on', await scene.prober.untilServed(resumed));
  await watched;
}

async function killStore(scene: Scene): Promise<void> {
  process.kill(scene.cassandra.pid, 'SIGKILL');
  const until = performance.now() + 2_000;
  await watchAnswers(scene, until);
  const restarting = performance.now();
  scene.cassandra = await scene.cassandra.restart();
  const ready = performance.now();
  scene.measure('Cassandra answers after', ready - restarting);
  scene.measure('served after Cassandra answers', await scene.prober.untilServed(ready));
}

async function slowStore(scene: Scene): Promise<void> {
  scene.proxy.delay(SLOW_MS);
  await watchAnswers(scene, performance.now() + scene.outageMs);
  const over = performance.now();
  scene.proxy.delay(0);
  scene.measure('served after Cassandra was fast again', await scene.prober.untilServed(over));
}

export interface Fault {
  readonly title: string;
  once(scene: Scene): Promise<void>;
}

export const FAULTS: Readonly<Record<string, Fault>> = {
  kill: { title: 'hosts killed at random', once: killHost },
  freeze: { title: 'hosts frozen past their lease, then resumed', once: freezeHost },
  rolling: { title: 'rolling restart', once: rollingRestart },
  'store-stop': { title: 'Cassandra stopped', once: stopStore },
  'store-kill': { title: 'Cassandra killed and restarted', once: killStore },
  'store-slow': { title: `Cassandra slowed by ${SLOW_MS / 1000} s`, once: slowStore },
};
