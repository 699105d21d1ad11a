// Connections to the other hosts of the region: one for each host, opened at its first call, with a circuit breaker, closed when the host has left.
// Calls that are in flight to a host that is dropped end at once, so that nobody waits for a dead host.
import { HostServiceClient } from '@antiphon/proto/internal';
import { cancelled, deadlineExceeded } from '#base';
import type { Env } from '#env';
import { CircuitBreaker } from './circuit-breaker.ts';
import { HostLink, type Loss } from './host-link.ts';
import { createHostClient, type HostServices, type HostTransport, HostUnreachable } from './internal-hosts.ts';
import { INTERNAL_MESSAGE_BYTES_MAX } from './internal-method.ts';
import { CALL_BYTES_MAX, callTooLarge } from './link-limits.ts';
import { type ClientTls, clientCredentials, clientTlsOptions } from './tls-credentials.ts';

export interface HostPeers {
  /** The services of the host at this address. */
  of(address: string): HostServices;
  /** Lets go of every other host: its calls in flight end as unreachable. */
  keepOnly(addresses: ReadonlySet<string>): void;
  close(): void;
}

export interface HostPeersOptions {
  readonly env: Env;
  readonly tls?: ClientTls | undefined;
  /** Of calls without a deadline of their own. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 10_000;

interface Peer {
  readonly services: HostServices;
  close(): void;
}

export function createHostPeers(options: HostPeersOptions): HostPeers {
  const peers = new Map<string, Peer>();
  return {
    of(address) {
      let peer = peers.get(address);
      if (peer === undefined) {
        peer = connect(address, options);
        peers.set(address, peer);
      }
      return peer.services;
    },
    keepOnly(addresses) {
      for (const [address, peer] of peers) {
        if (addresses.has(address)) continue;
        peers.delete(address);
        peer.close();
      }
    },
    close() {
      for (const peer of peers.values()) peer.close();
      peers.clear();
    },
  };
}

function connect(address: string, { env, tls, timeoutMs = TIMEOUT_MS }: HostPeersOptions): Peer {
  const client = new HostServiceClient(address, clientCredentials(tls, address), {
    ...clientTlsOptions(tls, address),
    'grpc.max_receive_message_length': INTERNAL_MESSAGE_BYTES_MAX,
    'grpc.max_send_message_length': INTERNAL_MESSAGE_BYTES_MAX,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 1_000,
    'grpc.enable_channelz': 0,
    'grpc.service_config_disable_resolution': 1,
    'grpc.enable_retries': 0,
    // Two servers in one process (tests) must not share the connection of a closed one.
    'grpc.use_local_subchannel_pool': 1,
  });
  const breaker = new CircuitBreaker(env);
  const links = new Set<HostLink>();
  let newest: HostLink | undefined;
  let isClosed = false;
  /** A link that its host leaves has calls under way beside the one that takes new ones. */
  const openLink = (): HostLink => {
    if (newest?.isOpen) return newest;
    const link = new HostLink(env, client.exchange(), () => links.delete(link));
    links.add(link);
    newest = link;
    return link;
  };

  const send: HostTransport = ({ definition }, request, { signal, deadlineMs }) => {
    if (!breaker.tryPass()) {
      return Promise.reject(new HostUnreachable(`Host ${address} does not answer, please retry`, false));
    }
    const bytes = definition.requestSerialize(request as never);
    if (bytes.length > CALL_BYTES_MAX) {
      breaker.abandoned();
      return Promise.reject(callTooLarge(definition.path, bytes.length));
    }
    if (signal?.aborted) {
      breaker.abandoned();
      return Promise.reject(cancelled('The caller is gone'));
    }
    return new Promise((resolve, reject) => {
      // A deadline from a header has parts of milliseconds, the message has not.
      const leftMs = deadlineMs === undefined ? timeoutMs : Math.max(1, Math.ceil(deadlineMs - env.clock.nowMs()));
      const settle = (): void => {
        timer.cancel();
        signal?.removeEventListener('abort', hangUp);
      };
      const withdraw = openLink().call(definition.path, bytes, leftMs, {
        answered: (reply) => {
          settle();
          breaker.succeeded();
          try {
            resolve(definition.responseDeserialize(reply as Buffer));
          } catch (error) {
            reject(error);
          }
        },
        failed: (error) => {
          settle();
          breaker.succeeded();
          reject(error);
        },
        lost: (loss) => {
          settle();
          if (isClosed) breaker.abandoned();
          else breaker.failed();
          reject(unreachable(address, loss));
        },
      });
      const timer = env.scheduler.after(leftMs, () => {
        settle();
        withdraw();
        // A long poll that nobody answered in time says nothing about the host.
        if (deadlineMs === undefined) breaker.failed();
        else breaker.abandoned();
        reject(deadlineExceeded(`Host ${address} did not answer in time: the outcome is unknown, please retry`));
      });
      const hangUp = (): void => {
        settle();
        withdraw();
        breaker.abandoned();
        reject(cancelled('The caller is gone'));
      };
      signal?.addEventListener('abort', hangUp, { once: true });
    });
  };
  return {
    services: createHostClient(send),
    close() {
      isClosed = true;
      for (const link of [...links]) link.close('it has left');
      client.close();
    },
  };
}

function unreachable(address: string, { reason, wasSent, isRefused }: Loss): HostUnreachable {
  const outcome = wasSent ? 'the outcome is unknown, please retry with the same request id' : 'please retry';
  return new HostUnreachable(`Host ${address} is not reachable, ${outcome}: ${reason}`, wasSent, isRefused);
}
