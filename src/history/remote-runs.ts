// What a run asks of another run of its active-active domain, which may be active in another region: asked here first, and of the region that
// the refusal names, or of each where it may be, next. Asked again after an unknown outcome it carries the same request id, by which the
// other run knows it. A refusal counts only when every region that may have the run gave it.
import { ServiceError } from '#base';
import { clustersAfter, type DomainView } from '#core';
import type { RemoteFrontendClient } from '#rpc';
import type { HistoryDeps } from './deps.ts';

type RemoteDeps = Pick<HistoryDeps, 'clusters' | 'remoteCluster'>;

/** `remotely` is not called for a domain whose runs are all in one region. */
export async function whereActive(
  { clusters, remoteCluster }: RemoteDeps,
  domain: DomainView,
  here: () => Promise<void>,
  remotely: (client: RemoteFrontendClient['workflow']) => Promise<unknown>,
): Promise<void> {
  try {
    await here();
  } catch (error) {
    for (const cluster of clustersAfter(error, domain, clusters.currentCluster)) {
      const client = remoteCluster?.(cluster);
      if (client === undefined) continue;
      try {
        await remotely(client.workflow);
        return;
      } catch (refusal) {
        if (!(refusal instanceof ServiceError) || refusal.kind !== 'EntityNotExists') throw refusal;
      }
    }
    throw error;
  }
}
