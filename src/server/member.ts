// This process as a member of the region: its listener for the other hosts, its connections to them, and its row in the membership.
import type { Env } from '#env';
import { createMembership, type HostRole, type MembershipOptions } from '#membership';
import type { KeyValueStore } from '#persistence';
import { type ClientTls, createHostPeers, createInternalServer, type HostServices, type ServerTls } from '#rpc';
import type { ClusterMember } from './cluster.ts';

export interface MemberOptions {
  /** Of the listener for other hosts; port 0 takes a free one. */
  readonly address: string;
  /** Where other hosts find it; empty: at `address`. */
  readonly advertise: string;
  readonly insecure: boolean;
  readonly serverTls: ServerTls | undefined;
  readonly clientTls: ClientTls | undefined;
  readonly roles: readonly HostRole[];
  readonly version: string;
  readonly frontendAddress: string;
  readonly membership: Partial<MembershipOptions>;
}

export interface OpenMember extends ClusterMember {
  /** Id of the host: the address that others find it at. */
  readonly hostId: string;
  close(): Promise<void>;
}

/** `services` is read at each call: they are made after this, and know it. */
export async function openMember(
  deps: { env: Env; keyValues: KeyValueStore },
  options: MemberOptions,
  services: () => Partial<HostServices>,
): Promise<OpenMember> {
  const { env } = deps;
  const server = createInternalServer({
    env,
    address: options.address,
    services,
    tls: options.serverTls,
    insecure: options.insecure,
  });
  const { address } = await server.start();
  const hostId = options.advertise === '' ? address : options.advertise;
  const peers = createHostPeers({ env, tls: options.clientTls });
  const { roles, version, frontendAddress } = options;
  const membership = createMembership(
    deps,
    { id: hostId, address: hostId, roles, version, frontendAddress },
    options.membership,
  );
  return {
    hostId,
    membership,
    peers,
    async close() {
      await server.stop();
      peers.close();
    },
  };
}
