// Names and numbers of close and execution statuses. In queries a close status counts from 0 (completed), one less
// than on the wire, where 0 is "open".

export const CLOSE_STATUS_NAMES = [
  'COMPLETED',
  'FAILED',
  'CANCELED',
  'TERMINATED',
  'CONTINUED_AS_NEW',
  'TIMED_OUT',
] as const;

const plain = (name: string): string => name.replace(/[_\s-]/g, '').toUpperCase();

/** 0 to 5, or undefined when it is no close status. Accepts "TimedOut", "timed_out", "TIMED_OUT". */
export function closeStatusOfName(name: string): number | undefined {
  const index = CLOSE_STATUS_NAMES.findIndex((candidate) => plain(candidate) === plain(name));
  return index === -1 ? undefined : index;
}

export const EXECUTION_STATUS_NAMES = ['PENDING', 'STARTED', ...CLOSE_STATUS_NAMES] as const;

/** By name, or by number from 0 (pending). */
export function executionStatusOfName(name: string): string | undefined {
  if (/^\d$/.test(name)) return EXECUTION_STATUS_NAMES[Number(name)];
  return EXECUTION_STATUS_NAMES.find((candidate) => plain(candidate) === plain(name));
}
