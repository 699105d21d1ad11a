// Cron expressions of start requests, and that the jitter does not reach beyond the next fire: two runs would be due in the wrong order.
import { badRequest } from '#base';
import { nextCronTime, parseCronSchedule } from '#core';

const EXPRESSION_CHARS_MAX = 1000;

export function checkCron(expression: string, jitterSeconds: number, nowMs: number): void {
  if (expression === '') return;
  if (expression.length > EXPRESSION_CHARS_MAX) throw badRequest('CronSchedule length exceeds limit.');
  const schedule = parseCronSchedule(expression);
  if (jitterSeconds === 0) return;
  const firstMs = nextCronTime(schedule, nowMs);
  const secondMs = firstMs === undefined ? undefined : nextCronTime(schedule, firstMs);
  if (firstMs === undefined || secondMs === undefined) return;
  if (jitterSeconds * 1000 > secondMs - firstMs) {
    throw badRequest('A valid JitterStartSeconds is not set on request (larger than cron duration).');
  }
}
