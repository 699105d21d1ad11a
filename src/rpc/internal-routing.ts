// Services as this host's callers see them when many hosts share the work: each call goes to the owner of its shard or task list, which is this
// process (a plain call) or another one. Ownership moves while calls are under way: a host that is asked for what it does not own says so and
// names the owner as far as it knows; the call is then made there, once at once, then after short jittered pauses, within its deadline.
// Invariant: a call is made again only if it certainly had no effect, or may be repeated.
import { TaskListType } from '@antiphon/proto';
import { ServiceError, ShardOwnershipLostError } from '#base';
import { type Env, sleep } from '#env';
import type { CallOptions, HistoryClient, MatchingClient } from './clients.ts';
import { HISTORY_ADMIN_METHODS } from './internal-cluster.ts';
import { HISTORY_METHODS } from './internal-history.ts';
import { type HostServices, HostUnreachable, type RemoteHistoryAdmin } from './internal-hosts.ts';
import { MATCHING_METHODS } from './internal-matching.ts';
import { type UntypedMethod, untyped } from './internal-method.ts';

export interface RoutingDeps {
  readonly env: Env;
  /** This host's own services of a kind, or another host's; undefined when the id is nobody's. */
  readonly host: <S extends keyof HostServices>(hostId: string, service: S) => HostServices[S] | undefined;
  /** Throws Unavailable when nobody is there to own it. */
  readonly ownerOfShard: (shardId: number) => string;
  readonly shardOf: (workflowId: string) => number;
  readonly ownerOfList: (domainId: string, name: string, type: 'decision' | 'activity') => string;
  readonly matchingHosts: () => readonly string[];
  /** Told of a host at whose address nobody listens. */
  readonly suspect: (hostId: string) => void;
}

// A hand-over takes a fraction of it; a host that died is replaced after its lease, which is for the caller to wait out.
const RETRY_MS_MAX = 5_000;
const PAUSE_MS_MIN = 20;
const PAUSE_MS_MAX = 500;

/** Makes a call at the owner. `ownerOf` is asked before every attempt. */
async function atOwner<T>(
  { env, suspect }: RoutingDeps,
  method: Pick<UntypedMethod, 'isRepeatable'>,
  { deadlineMs = Number.POSITIVE_INFINITY, signal }: CallOptions,
  ownerOf: () => string,
  call: (hostId: string) => Promise<T>,
  first: { readonly hostId: string; readonly error: unknown },
): Promise<T> {
  const untilMs = Math.min(deadlineMs, env.clock.nowMs() + RETRY_MS_MAX);
  let { hostId, error } = first;
  let pauseMs = PAUSE_MS_MIN;
  let hasUsedHint = false;
  for (;;) {
    if (error instanceof HostUnreachable && error.isRefused) suspect(hostId);
    if (signal?.aborted || !mayRepeat(error, method)) throw error;
    const hint = error instanceof ShardOwnershipLostError ? error.owner : '';
    if (hint !== '' && hint !== hostId && !hasUsedHint) {
      hasUsedHint = true;
      hostId = hint;
    } else {
      const waitMs = pauseMs * (0.5 + env.random.next());
      if (env.clock.nowMs() + waitMs >= untilMs) throw error;
      await sleep(env.scheduler, waitMs, signal);
      pauseMs = Math.min(PAUSE_MS_MAX, pauseMs * 2);
      hostId = ownerOf();
    }
    try {
      return await call(hostId);
    } catch (thrown) {
      error = thrown;
    }
  }
}

function mayRepeat(error: unknown, method: Pick<UntypedMethod, 'isRepeatable'>): boolean {
  if (error instanceof HostUnreachable) return !error.wasSent || method.isRepeatable;
  return error instanceof ServiceError && error.kind === 'ShardOwnershipLost';
}

/** A hint may name a host that this one knows to be dead; one may go between two looks. Nothing was sent: the call may be made again. */
function servicesOf<S extends keyof HostServices>({ host }: RoutingDeps, hostId: string, service: S): HostServices[S] {
  const services = host(hostId, service);
  if (services === undefined) throw new HostUnreachable(`Host ${hostId} is not there, please retry`, false);
  return services;
}

type Calls = Readonly<Record<string, (...args: readonly unknown[]) => Promise<unknown>>>;

/** A client whose methods go to the owner that `ownerOf` finds in their arguments. */
function routed<S extends keyof HostServices>(
  deps: RoutingDeps,
  service: S,
  table: object,
  ownerOf: (name: string, args: readonly unknown[]) => string,
): HostServices[S] {
  const client: Record<string, unknown> = {};
  for (const [name, method] of untyped(table)) {
    client[name] = (...args: readonly unknown[]): Promise<unknown> => {
      const call = async (hostId: string): Promise<unknown> =>
        // The table has the methods of the service.
        (servicesOf(deps, hostId, service) as unknown as Calls)[name]?.(...args);
      let hostId: string;
      try {
        hostId = ownerOf(name, args);
      } catch (error) {
        return Promise.reject(error);
      }
      return call(hostId).catch((error: unknown) =>
        atOwner(deps, method, method.options(...args) ?? {}, () => ownerOf(name, args), call, { hostId, error }),
      );
    };
  }
  return client as unknown as HostServices[S]; // As above.
}

interface WithWorkflow {
  readonly workflowId?: string;
  readonly run?: { readonly workflowId: string };
}

export function createRoutedHistory(deps: RoutingDeps): HistoryClient {
  return routed(deps, 'history', HISTORY_METHODS, (_name, [first]) => {
    const { workflowId, run } = first as WithWorkflow; // Every method begins with the run, or a request that names it.
    return deps.ownerOfShard(deps.shardOf(workflowId ?? run?.workflowId ?? ''));
  });
}

export function createRoutedHistoryAdmin(deps: RoutingDeps): RemoteHistoryAdmin {
  return routed(deps, 'historyAdmin', HISTORY_ADMIN_METHODS, (_name, [first]) =>
    deps.ownerOfShard(typeof first === 'number' ? first : deps.shardOf((first as WithWorkflow).workflowId ?? '')),
  );
}

interface WithList {
  readonly domainId?: string;
  readonly run?: { readonly domainId: string };
  readonly taskList?: { readonly name: string };
  readonly taskListName?: string;
  readonly type?: number;
}

const ACTIVITY_METHODS: ReadonlySet<string> = new Set(['addActivityTask', 'pollForActivityTask']);

export function createRoutedMatching(deps: RoutingDeps): MatchingClient {
  const client = routed(deps, 'matching', MATCHING_METHODS, (name, [first]) => {
    const { domainId, run, taskList, taskListName, type } = first as WithList; // Every method but listTaskLists begins so.
    const isActivity = ACTIVITY_METHODS.has(name) || type === TaskListType.TASK_LIST_TYPE_ACTIVITY;
    const listName = taskList?.name ?? taskListName ?? '';
    return deps.ownerOfList(domainId ?? run?.domainId ?? '', listName, isActivity ? 'activity' : 'decision');
  });
  return {
    ...client,
    async listTaskLists(domainId) {
      const lists = await Promise.all(
        deps.matchingHosts().map((hostId) => servicesOf(deps, hostId, 'matching').listTaskLists(domainId)),
      );
      return {
        decision: Object.assign({}, ...lists.map(({ decision }) => decision)),
        activity: Object.assign({}, ...lists.map(({ activity }) => activity)),
      };
    },
  };
}
