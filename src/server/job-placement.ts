// Background work of the region by the ring, and the one piece of it that needs every host: knowing that all shards have published what they
// decided.
import { unavailable } from '#base';
import type { DomainCache } from '#domains';
import { type Env, sleep } from '#env';
import type { JobPlacement } from '#worker';
import type { Cluster } from './cluster.ts';

const LOOK_MS = 100;
const SEEN_WAIT_MS = 8_000;

export function createJobPlacement(env: Env, cluster: Cluster): JobPlacement {
  return {
    isMine: (job) => cluster.placement().jobOwner(job) === cluster.self,
    onChange: (listener) => cluster.onChange(listener),
    async drainReplication(domainId, failoverVersion, signal) {
      const hosts = cluster
        .placement()
        .hosts()
        .filter(({ roles }) => roles.includes('history'));
      const drained = await Promise.all(
        hosts.map((host) => cluster.peerOf(host).drainReplication(domainId, failoverVersion)),
      );
      if (signal.aborted) return;
      const found = new Set(drained.flat());
      const missing = cluster.shardIds().filter((shardId) => !found.has(shardId));
      // In a hand-over: asked again.
      if (missing.length > 0) throw unavailable(`Shards ${missing.slice(0, 10).join(', ')} were moved meanwhile`);
      env.logger.debug('the replication log has all of a domain', { 'wf-domain-id': domainId, failoverVersion });
    },
  };
}

/** Resolves when this host acts on that version of the domain; a change takes a moment to arrive. */
export async function seenVersion(
  env: Env,
  domains: DomainCache,
  domainId: string,
  failoverVersion: number,
): Promise<void> {
  const untilMs = env.clock.monotonicMs() + SEEN_WAIT_MS;
  while ((await domains.byId(domainId)).failoverVersion < failoverVersion) {
    if (env.clock.monotonicMs() >= untilMs) throw unavailable('The change of the domain has not arrived here yet');
    await sleep(env.scheduler, LOOK_MS);
  }
}
