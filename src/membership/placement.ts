// What the view of the members means for the work: the owner of each shard, of each task list and of each piece of background work. Made anew
// with each view, looked up without work in between.

import type { Host, HostRole, Membership, MemberView } from './membership.ts';
import { assignShards, createRing, type Ring } from './ring.ts';

export interface Placement {
  /** Undefined: no host of the region runs history. */
  shardOwner(shardId: number): string | undefined;
  /** Of a task list, by the name of the whole list. */
  listOwner(domainId: string, name: string, type: string): string | undefined;
  /** Of background work that one host does for all. */
  jobOwner(name: string): string | undefined;
  /** The pin that holds for the shard. */
  pinOf(shardId: number): string | undefined;
  /** Alive, leaving ones included. */
  hosts(): readonly Host[];
  host(hostId: string): Host | undefined;
  /** Hosts of a role that take work. */
  withRole(role: HostRole): readonly Host[];
}

interface Assigned {
  readonly view: MemberView;
  readonly shards: ReadonlyMap<number, string>;
  readonly lists: Ring;
  readonly jobs: Ring;
  readonly byId: ReadonlyMap<string, Host>;
}

export function createPlacement(membership: Membership, shardIds: readonly number[]): Placement {
  let last: Assigned | undefined;
  const current = (): Assigned => {
    const view = membership.view();
    if (last?.view !== view) last = assign(view, shardIds);
    return last;
  };
  return {
    shardOwner: (shardId) => current().shards.get(shardId),
    listOwner: (domainId, name, type) => current().lists.ownerOf(`${domainId}/${type}/${name}`),
    jobOwner: (name) => current().jobs.ownerOf(name),
    pinOf: (shardId) => current().view.pins.get(shardId),
    hosts: () => current().view.hosts,
    host: (hostId) => current().byId.get(hostId),
    withRole: (role) => takers(current().view, role),
  };
}

const takers = ({ hosts }: MemberView, role: HostRole): readonly Host[] =>
  hosts.filter(({ roles, isLeaving }) => !isLeaving && roles.includes(role));

function assign(view: MemberView, shardIds: readonly number[]): Assigned {
  const idsOf = (role: HostRole): readonly string[] => takers(view, role).map(({ id }) => id);
  return {
    view,
    shards: assignShards(shardIds, idsOf('history'), view.pins),
    lists: createRing(idsOf('matching')),
    jobs: createRing(idsOf('worker')),
    byId: new Map(view.hosts.map((host) => [host.id, host])),
  };
}
