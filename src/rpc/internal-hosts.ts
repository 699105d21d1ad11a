// A host of this region as the others see it: the same interfaces as its services have, over a transport that carries messages. And the other
// end: handlers that take such messages to the services. What the transport is (gRPC, a simulated network) both leave open.
import { ServiceError, unavailable } from '#base';
import type { CallOptions, HistoryClient, MatchingClient } from './clients.ts';
import type { HistoryAdmin } from './history-admin.ts';
import { CLUSTER_METHODS, type ClusterPeer, HISTORY_ADMIN_METHODS } from './internal-cluster.ts';
import { HISTORY_METHODS } from './internal-history.ts';
import { MATCHING_METHODS } from './internal-matching.ts';
import { type HangUp, type UntypedMethod, untyped } from './internal-method.ts';
import type { UnaryDefinition } from './service-handlers.ts';

/** The part of HistoryAdmin that is calls. */
export type RemoteHistoryAdmin = Pick<HistoryAdmin, keyof typeof HISTORY_ADMIN_METHODS>;

export interface HostServices {
  readonly history: HistoryClient;
  readonly historyAdmin: RemoteHistoryAdmin;
  readonly matching: MatchingClient;
  readonly cluster: ClusterPeer;
}

const TABLES = {
  history: HISTORY_METHODS,
  historyAdmin: HISTORY_ADMIN_METHODS,
  matching: MATCHING_METHODS,
  cluster: CLUSTER_METHODS,
} as const satisfies Readonly<Record<keyof HostServices, object>>;

/** Sends a message to a host. Rejects with the error that the host threw, or with HostUnreachable. */
export type HostTransport = (
  method: Pick<UntypedMethod, 'definition'>,
  request: unknown,
  options: CallOptions,
) => Promise<unknown>;

/** No answer of the host itself: it is away, or the way to it is. */
export class HostUnreachable extends ServiceError {
  /** False: the host has certainly not seen the call. */
  readonly wasSent: boolean;
  /** Nobody listens at its address: its process is gone, or not there yet. */
  readonly isRefused: boolean;

  constructor(message: string, wasSent: boolean, isRefused = false) {
    super('Unavailable', message);
    this.wasSent = wasSent;
    this.isRefused = isRefused;
  }
}

export function createHostClient(send: HostTransport): HostServices {
  const client: Record<string, Record<string, unknown>> = {};
  for (const [service, table] of Object.entries(TABLES)) {
    const methods: Record<string, unknown> = {};
    for (const [name, method] of untyped(table)) {
      methods[name] = async (...args: readonly unknown[]): Promise<unknown> => {
        const request = method.request(...args);
        const options = method.options(...args) ?? {};
        const hangUp = method.hangUp?.(...args);
        const reply = hangUp ? sendAndListen(send, method, hangUp, request, options) : send(method, request, options);
        return method.result(await reply);
      };
    }
    client[service] = methods;
  }
  return client as unknown as HostServices; // The tables have exactly the methods of the interfaces.
}

/** The caller's hang-up goes to the host as a call of its own, so that what was on its way to him arrives here and can be given back. */
async function sendAndListen(
  send: HostTransport,
  method: Pick<UntypedMethod, 'definition'>,
  hangUp: HangUp,
  request: unknown,
  { signal, deadlineMs }: CallOptions,
): Promise<unknown> {
  const cancellation = new AbortController();
  const cancel = (): void => cancellation.abort();
  const leave = (): void => void send(hangUp, hangUp.request, {}).catch(cancel);
  if (signal?.aborted) cancel();
  else signal?.addEventListener('abort', leave, { once: true });
  try {
    return await send(method, request, { deadlineMs, signal: cancellation.signal });
  } finally {
    signal?.removeEventListener('abort', leave);
  }
}

export interface HostHandler {
  readonly definition: UnaryDefinition;
  handle(request: unknown, call: CallOptions): Promise<unknown>;
}

type Target = Readonly<Record<string, ((...args: readonly unknown[]) => Promise<unknown>) | undefined>>;

/** `services` is read at each call; a service that this host does not run refuses. */
export function createHostHandlers(services: () => Partial<HostServices>): readonly HostHandler[] {
  return Object.entries(TABLES).flatMap(([service, table]) =>
    untyped(table).map(
      ([name, method]): HostHandler => ({
        definition: method.definition,
        async handle(request, call) {
          const target = services()[service as keyof HostServices] as Target | undefined;
          const handler = target?.[name];
          if (target === undefined || handler === undefined) throw unavailable(`This host does not run ${service}.`);
          return method.reply(await handler.apply(target, [...method.args(request, call)]));
        },
      }),
    ),
  );
}
