// Refused calls in the log: precise, because the caller is told nothing but that he is not authorized, and rare, because refusals are what an
// attacker has plenty of. Tokens are never in it.
import type { Counter, Env } from '#env';

export interface Denial {
  readonly operation: string;
  readonly reason: string;
  readonly peer: string;
  readonly callerName: string;
  readonly principal?: string;
  readonly domain?: string;
}

const LOG_INTERVAL_MS = 1000;
const TEXT_CHARS_MAX = 200;

export function createDenialLog(env: Env): (denial: Denial) => void {
  const logger = env.logger.child({ component: 'authorization' });
  const counter: Counter = env.metrics.counter(
    'cadence_authorization_denied',
    'Calls refused because of who made them',
  );
  let quietUntilMs = Number.NEGATIVE_INFINITY;
  let suppressed = 0;
  return (denial) => {
    counter.inc();
    const nowMs = env.clock.monotonicMs();
    if (nowMs < quietUntilMs) {
      suppressed++;
      return;
    }
    const callerName = denial.callerName.slice(0, TEXT_CHARS_MAX);
    logger.warn('call is not authorized', { ...denial, callerName, suppressed });
    quietUntilMs = nowMs + LOG_INTERVAL_MS;
    suppressed = 0;
  };
}
