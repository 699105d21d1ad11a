// A bad query is answered with what is wrong, the line, and a caret under the place.
import { badRequest, type ServiceError } from '#base';

const WINDOW_BEFORE = 60;
const WINDOW_AFTER = 60;

/** BadRequest: `message`, then the query around `position` with a caret under it. */
export function queryFault(query: string, position: number, message: string): ServiceError {
  const start = Math.max(0, position - WINDOW_BEFORE);
  const end = Math.min(query.length, position + WINDOW_AFTER);
  const window = query.slice(start, end).replace(/\s/g, ' ');
  const prefix = start > 0 ? '…' : '';
  const suffix = end < query.length ? '…' : '';
  const indent = ' '.repeat(prefix.length + position - start);
  return badRequest(`${message}\n  ${prefix}${window}${suffix}\n  ${indent}^`);
}
