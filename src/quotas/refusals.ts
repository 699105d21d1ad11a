// The answer to a call beyond its quota: Cadence's text, and a reason that says which limit it was. Counted for each domain and reason.
import { ServiceBusyError } from '#base';
import type { Counter, Metrics } from '#env';

export type RefusalReason =
  | 'domain-rate-limit'
  | 'list-rate-limit'
  | 'caller-rate-limit'
  | 'host-rate-limit'
  | 'external-workflow-id-rate-limit'
  | 'internal-workflow-id-rate-limit';

const TEXT = 'Too many outstanding requests to the cadence service';
const WORKFLOW_ID_TEXT = 'Too many requests for the workflow ID';

export type Refuse = (domainName: string, callClass: string, reason: RefusalReason) => ServiceBusyError;

export function createRefusals(metrics: Metrics): Refuse {
  // By domains that exist: their number bounds it.
  const counters = new Map<string, Counter>();
  return (domainName, callClass, reason) => {
    const key = `${reason}\n${callClass}\n${domainName}`;
    let counter = counters.get(key);
    if (counter === undefined) {
      counter = metrics.counter('cadence_rate_limited_requests', 'API calls refused because of a quota.', {
        domain: domainName === '' ? 'all' : domainName,
        class: callClass,
        reason,
      });
      counters.set(key, counter);
    }
    counter.inc();
    return new ServiceBusyError(reason.includes('workflow-id') ? WORKFLOW_ID_TEXT : TEXT, reason);
  };
}
