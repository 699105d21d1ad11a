// gRPC connections to the other hosts of the region: one for each host, opened at its first call, with a circuit breaker, closed when the host has
// left. Calls that are in flight to a host that is dropped end at once, so that nobody waits for a dead host.
import { Client, type ServiceError as GrpcError, Metadata, status } from '@grpc/grpc-js';
import { cancelled, deadlineExceeded } from '#base';
import type { Env } from '#env';
import { CircuitBreaker } from './circuit-breaker.ts';
import type { CallOptions } from './clients.ts';
import { errorFromInternalStatus } from './internal-errors.ts';
import { createHostClient, type HostServices, type HostTransport, HostUnreachable } from './internal-hosts.ts';
import { INTERNAL_MESSAGE_BYTES_MAX } from './internal-method.ts';
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
const NEVER_SENT = /^No connection established/;

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
  const client = new Client(address, clientCredentials(tls, address), {
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
  const calls = new Set<() => void>();
  const metadata = new Metadata();

  const send: HostTransport = ({ definition }, request, given) => {
    if (!breaker.tryPass()) {
      return Promise.reject(new HostUnreachable(`Host ${address} does not answer, please retry`, false));
    }
    return new Promise((resolve, reject) => {
      const { signal } = given;
      let isDropped = false;
      const hangUp = (): void => call.cancel();
      const drop = (): void => {
        isDropped = true;
        call.cancel();
      };
      const done = (error: GrpcError | null, reply: unknown): void => {
        signal?.removeEventListener('abort', hangUp);
        calls.delete(drop);
        if (error === null) {
          breaker.succeeded();
          resolve(reply);
          return;
        }
        reject(outcomeOf(error, { address, isDropped, given, breaker }));
      };
      const call = client.makeUnaryRequest(
        definition.path,
        definition.requestSerialize as (value: unknown) => Buffer,
        definition.responseDeserialize as (value: Buffer) => unknown,
        request,
        metadata,
        { deadline: given.deadlineMs ?? env.clock.nowMs() + timeoutMs },
        done,
      );
      calls.add(drop);
      if (signal?.aborted) hangUp();
      else signal?.addEventListener('abort', hangUp, { once: true });
    });
  };
  return {
    services: createHostClient(send),
    close() {
      for (const drop of [...calls]) drop();
      client.close();
    },
  };
}

function outcomeOf(
  error: GrpcError,
  call: { address: string; isDropped: boolean; given: CallOptions; breaker: CircuitBreaker },
): Error {
  const { address, isDropped, given, breaker } = call;
  const answered = errorFromInternalStatus(error);
  if (answered !== undefined) {
    breaker.succeeded();
    return answered;
  }
  if (isDropped) {
    breaker.abandoned();
    return new HostUnreachable(`Host ${address} has left, please retry`, true);
  }
  if (given.signal?.aborted) {
    breaker.abandoned();
    return cancelled('The caller is gone');
  }
  if (error.code === status.DEADLINE_EXCEEDED) {
    // A long poll that nobody answered in time says nothing about the host.
    if (given.deadlineMs === undefined) breaker.failed();
    else breaker.abandoned();
    return deadlineExceeded(`Host ${address} did not answer in time: the outcome is unknown, please retry`);
  }
  breaker.failed();
  const wasSent = !NEVER_SENT.test(error.details);
  const outcome = wasSent ? 'the outcome is unknown, please retry with the same request id' : 'please retry';
  return new HostUnreachable(`Host ${address} is not reachable, ${outcome}: ${error.details}`, wasSent, {
    cause: error,
  });
}
