// How many calls are taken. A call of a class passes the bucket of its domain, of its caller and of this host, in that order.
import { durationKey, intKey, type Key, listKey, UNLIMITED } from '../key.ts';

export type QuotaClass = 'user' | 'worker' | 'visibility' | 'async';

export interface ClassKeys {
  /** Of this host, all domains together. */
  readonly host: Key<number>;
  /** Of one domain on this host. */
  readonly domain: Key<number>;
  /** Of one domain on all hosts together; each host takes its share. */
  readonly globalDomain: Key<number>;
}

const WHAT: Readonly<Record<QuotaClass, string>> = {
  user: 'start, signal, query, describe and other calls of applications',
  worker: 'polls, answers and heartbeats of workers',
  visibility: 'list, scan and count',
  async: 'asynchronous starts',
};

const rps = (name: string, value: number, by: readonly 'domainName'[], text: string, cadence = UNLIMITED) =>
  intKey(name, {
    default: value,
    by,
    operational: true,
    description: `Calls per second ${text}`,
    ...(cadence === value ? {} : { cadenceDefault: String(cadence) }),
  });

function keysOf(
  kind: QuotaClass,
  prefix: string,
  rates: { host: number; domain: number; cadence?: number },
): ClassKeys {
  // Cadence: frontend.domainrps, frontend.globalDomainrps; frontend.domainworkerrps, frontend.globalDomainWorkerrps; …; Asyncrps.
  const global = prefix.charAt(0).toUpperCase() + prefix.slice(1);
  return {
    host: rps(`frontend.${prefix}rps`, rates.host, [], `of this host: ${WHAT[kind]}.`, rates.cadence ?? rates.host),
    domain: rps(
      `frontend.domain${prefix}rps`,
      rates.domain,
      ['domainName'],
      `of a domain on this host: ${WHAT[kind]}.`,
      rates.cadence ?? rates.domain,
    ),
    globalDomain: rps(
      `frontend.globalDomain${global}rps`,
      kind === 'async' ? 100_000 : UNLIMITED,
      ['domainName'],
      `of a domain on all hosts together, shared equally: ${WHAT[kind]}.`,
      kind === 'async' ? 100_000 : UNLIMITED,
    ),
  };
}

export const QUOTA_KEYS: Readonly<Record<QuotaClass, ClassKeys>> = {
  user: keysOf('user', '', { host: 100_000, domain: 20_000, cadence: 1200 }),
  worker: keysOf('worker', 'worker', { host: UNLIMITED, domain: UNLIMITED }),
  visibility: keysOf('visibility', 'visibility', { host: UNLIMITED, domain: UNLIMITED }),
  async: keysOf('async', 'async', { host: 10_000, domain: 10_000 }),
};

export const CALLER_RPS = intKey('antiphon.callerrps', {
  default: 0,
  by: ['domainName'],
  operational: true,
  description:
    'Calls per second of one caller on this host, all its domains and classes together: who is authenticated, or else the ' +
    '`rpc-caller` header. 0: no limit.',
});

export const VISIBILITY_LIST_QPS = intKey('frontend.visibilityListMaxQPS', {
  default: UNLIMITED,
  by: ['domainName'],
  operational: true,
  cadenceDefault: '10, only with `system.enableVisibilitySampling`',
  description:
    'Lists per second of a domain on this host, without scan and count. Beside the quota of all visibility calls.',
});

export const WORKER_POLL_DELAY = durationKey('frontend.maxWorkerPollDelay', {
  default: 0,
  by: ['domainName'],
  max: 60_000,
  operational: true,
  description: 'How long a poll beyond its quota waits for its turn before it is refused.',
});

export const REFUSAL_DELAY = durationKey('antiphon.refusalDelay', {
  default: 1000,
  max: 10_000,
  operational: true,
  description:
    'Longest time until a caller is refused that is far beyond its quota: 100 ms for each multiple of it beyond the second. ' +
    '0: always at once.',
});

export const BYPASS_CALLER_TYPES = listKey('system.rateLimiterBypassCallerTypes', {
  default: [],
  operational: true,
  description: 'Values of the header `cadence-caller-type` whose calls no quota refuses.',
});

export const WORKFLOW_ID_EXTERNAL_RPS = intKey('history.workflowIDExternalRPS', {
  default: UNLIMITED,
  by: ['domainName'],
  operational: true,
  description: 'Starts, signals and describes per second of one workflow id that callers may make.',
});

export const WORKFLOW_ID_INTERNAL_RPS = intKey('history.workflowIDInternalRPS', {
  default: UNLIMITED,
  by: ['domainName'],
  operational: true,
  description:
    'Signals, cancels and starts per second of one workflow id that other workflows may make; more wait and are tried again.',
});

const everyClass = Object.values(QUOTA_KEYS).flatMap(({ host, domain, globalDomain }) => [host, domain, globalDomain]);

export const ALL_QUOTA_KEYS = [
  ...everyClass,
  CALLER_RPS,
  VISIBILITY_LIST_QPS,
  WORKER_POLL_DELAY,
  REFUSAL_DELAY,
  BYPASS_CALLER_TYPES,
  WORKFLOW_ID_EXTERNAL_RPS,
  WORKFLOW_ID_INTERNAL_RPS,
] as const;
