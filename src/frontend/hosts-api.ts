// HostsAPI: the hosts of the region, their shards, and moving one. A region of one process shows itself.
import type { HostInfo } from '@antiphon/proto/audit';
import { badRequest, EntityNotExistsError, featureNotEnabled } from '#base';
import { timestampOf } from '#core';
import type { Handlers, SERVICE_DEFINITIONS } from '#rpc';
import { ADMIN_CALL, type Pipeline } from './pipeline.ts';
import type { FrontendDeps, FrontendOptions, RegionHost, RegionHosts } from './ports.ts';

export function createHostsApi(
  { hosts, historyAdmin }: FrontendDeps,
  { hostName }: FrontendOptions,
  { serve, byNothing }: Pipeline,
): Handlers<(typeof SERVICE_DEFINITIONS)['hosts']> {
  const shardIds = (): readonly number[] => historyAdmin?.shardIds() ?? [];

  const described = async (region: RegionHosts, host: RegionHost): Promise<HostInfo> => {
    const own = shardIds().filter((shardId) => region.ownerOf(shardId) === host.id);
    const info = {
      id: host.id,
      services: [...host.roles],
      startTime: timestampOf(host.startedMs),
      version: host.version,
      isLeaving: host.isLeaving,
      frontendAddress: host.frontendAddress,
      shardIds: own,
      pinnedShardIds: own.filter((shardId) => region.pinOf(shardId) === host.id),
    };
    try {
      return { ...info, openShardIds: [...(await region.describe(host.id)).openShardIds], error: '' };
    } catch (error) {
      // What is known of it is shown all the same, with the reason.
      return { ...info, openShardIds: [], error: error instanceof Error ? error.message : String(error) };
    }
  };

  /** One process that has everything. */
  const alone = (): HostInfo => ({
    id: hostName,
    services: ['frontend', 'history', 'matching', 'worker'],
    startTime: undefined,
    version: '',
    isLeaving: false,
    frontendAddress: '',
    shardIds: [...shardIds()],
    pinnedShardIds: [],
    openShardIds: [...(historyAdmin?.openShardIds() ?? [])],
    error: '',
  });

  return {
    listHosts: serve('hosts', 'listHosts', ADMIN_CALL, byNothing, async () => ({
      self: hosts?.self ?? hostName,
      shardCount: shardIds().length,
      hosts: hosts === undefined ? [alone()] : await Promise.all(hosts.list().map((host) => described(hosts, host))),
    })),

    moveShard: serve('hosts', 'moveShard', ADMIN_CALL, byNothing, async ({ shardId, hostId }) => {
      if (hosts === undefined) throw featureNotEnabled('many hosts (rpc.address)');
      if (!shardIds().includes(shardId)) throw badRequest(`Shard ${shardId} does not exist.`);
      if (hostId !== '') requireTaker(hosts, hostId);
      await hosts.pin(shardId, hostId === '' ? undefined : hostId);
      return { hostId: hosts.ownerOf(shardId) ?? '' };
    }),
  };
}

function requireTaker(hosts: RegionHosts, hostId: string): void {
  const found = hosts.list().find(({ id }) => id === hostId);
  if (found === undefined) throw new EntityNotExistsError(`Host ${hostId.slice(0, 200)} is not there.`);
  if (!found.roles.includes('history')) throw badRequest(`Host ${hostId} does not run the history service.`);
  if (found.isLeaving) throw badRequest(`Host ${hostId} is leaving.`);
}
