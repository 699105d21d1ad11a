// The answer to a call beyond its quota: Cadence's text, and a reason that says which limit it was. Counted for each domain and reason. A flood
// is refused as fast as it comes, so that nothing is made for one refusal: the error of a reason is always the same object.
import { ServiceBusyError } from '#base';
import type { Counter, Metrics } from '#env';

const TEXT = 'Too many outstanding requests to the cadence service';
const WORKFLOW_ID_TEXT = 'Too many requests for the workflow ID';

const TEXTS = {
  'domain-rate-limit': TEXT,
  'list-rate-limit': TEXT,
  'caller-rate-limit': TEXT,
  'host-rate-limit': TEXT,
  'external-workflow-id-rate-limit': WORKFLOW_ID_TEXT,
  'internal-workflow-id-rate-limit': WORKFLOW_ID_TEXT,
} as const;

export type RefusalReason = keyof typeof TEXTS;

export type Refuse = (domainName: string, callClass: string, reason: RefusalReason) => ServiceBusyError;

export function createRefusals(metrics: Metrics): Refuse {
  const errors = Object.fromEntries(
    Object.entries(TEXTS).map(([reason, text]) => [reason, Object.freeze(new ServiceBusyError(text, reason))]),
  );
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
    return errors[reason] as ServiceBusyError;
  };
}
