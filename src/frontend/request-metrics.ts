// Requests, errors and latency per operation and domain, under Cadence's names (semantics §9.1), so that its dashboards work. Children are
// resolved once per (operation, domain) and kept: a call costs a map lookup.
import { ServiceError, type ServiceErrorKind } from '#base';
import type { Counter, Env, Histogram, Labels } from '#env';

const ERROR_METRICS: Partial<Record<ServiceErrorKind, string>> = {
  BadRequest: 'bad_request',
  EntityNotExists: 'entity_not_exists',
  WorkflowExecutionAlreadyStarted: 'execution_already_started',
  WorkflowExecutionAlreadyCompleted: 'workflow_execution_already_completed',
  QueryFailed: 'query_failed',
  DeadlineExceeded: 'context_timeout',
  ServiceBusy: 'service_busy',
  LimitExceeded: 'limit_exceeded',
  DomainNotActive: 'domain_not_active',
  CancellationAlreadyRequested: 'cancellation_already_requested',
  DomainAlreadyExists: 'domain_already_exists',
  AccessDenied: 'unauthorized',
  ClientVersionNotSupported: 'client_version_not_supported',
};

export interface OperationMeter {
  /** One finished call; `error` undefined when it was answered. */
  record(domain: string, startedMs: number, error: unknown): void;
}

interface Children {
  readonly requests: Counter;
  readonly latency: Histogram;
  readonly errors: Map<string, Counter>;
}

export function createOperationMeter(env: Env, operation: string): OperationMeter {
  const children = new Map<string, Children>();
  const childrenOf = (domain: string): Children => {
    let found = children.get(domain);
    if (found === undefined) {
      const labels = labelsOf(operation, domain);
      found = {
        requests: env.metrics.counter('cadence_requests', 'API calls.', labels),
        latency: env.metrics.histogram('cadence_latency', 'Seconds an API call took.', labels),
        errors: new Map(),
      };
      children.set(domain, found);
    }
    return found;
  };
  return {
    record(domain, startedMs, error) {
      const own = childrenOf(domain);
      own.requests.inc();
      own.latency.observe((env.clock.monotonicMs() - startedMs) / 1000);
      if (error === undefined) return;
      for (const name of errorMetrics(error)) {
        let counter = own.errors.get(name);
        if (counter === undefined) {
          counter = env.metrics.counter(name, 'API calls that ended in an error.', labelsOf(operation, domain));
          own.errors.set(name, counter);
        }
        counter.inc();
      }
    },
  };
}

const labelsOf = (operation: string, domain: string): Labels => ({
  cadence_service: 'cadence_frontend',
  operation,
  domain: domain === '' ? 'all' : domain,
});

// `cadence_errors` counts what is our fault; each kind of the caller's has a counter of its own.
function errorMetrics(error: unknown): readonly string[] {
  const kind = error instanceof ServiceError ? ERROR_METRICS[error.kind] : undefined;
  return kind === undefined ? ['cadence_errors'] : [`cadence_errors_${kind}`];
}
