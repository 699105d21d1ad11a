// How urgent the tasks of a run are, and with whom they share: a priority from 1 (first) to 5, a fairness key and its weight. It is ours, not
// Cadence's: a caller names it at the start, it is kept with the run in `partition_config`, which replicates and which continued runs and
// children inherit; a header of the same names overrides it for one child or activity.
// Invariant: what is in a partition config was checked; what is read from an event may come from elsewhere, so it is read leniently.
import type { Header } from '@antiphon/proto';
import type { TaskPriority } from '@antiphon/proto/internal';
import { badRequest } from '#base';

/** Names in request metadata, in message headers and in partition configs. */
export const PRIORITY_KEY = 'antiphon-priority';
export const FAIRNESS_KEY = 'antiphon-fairness-key';
export const FAIRNESS_WEIGHT_KEY = 'antiphon-fairness-weight';

/** Where a partition config names the zone of the run's starter: Cadence's name. */
export const ISOLATION_GROUP_KEY = 'isolation-group';

export const DEFAULT_TASK_PRIORITY: Readonly<TaskPriority> = { priority: 3, fairnessKey: '', fairnessWeight: 1 };

const FAIRNESS_KEY_LENGTH_MAX = 64;
const WEIGHT_MIN = 0.001;
const WEIGHT_MAX = 1000;
const PRIORITY = /^[1-5]$/;
const NUMBER = /^\d+(\.\d+)?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must not be in a key.
const KEY = /^[^\u0000-\u001f\u007f]+$/;

export type PriorityFields = Readonly<Record<string, string>>;

type FieldName = typeof PRIORITY_KEY | typeof FAIRNESS_KEY | typeof FAIRNESS_WEIGHT_KEY;

function faultOf(name: FieldName, value: string): string | undefined {
  if (name === PRIORITY_KEY) return PRIORITY.test(value) ? undefined : 'must be a whole number from 1 to 5';
  if (name === FAIRNESS_KEY) {
    const isGood = value.length <= FAIRNESS_KEY_LENGTH_MAX && KEY.test(value);
    return isGood
      ? undefined
      : `must have 1 to ${FAIRNESS_KEY_LENGTH_MAX} characters, none of them a control character`;
  }
  const weight = Number(value);
  const isGood = NUMBER.test(value) && weight >= WEIGHT_MIN && weight <= WEIGHT_MAX;
  return isGood ? undefined : `must be a number from ${WEIGHT_MIN} to ${WEIGHT_MAX}`;
}

const NAMES: readonly FieldName[] = [PRIORITY_KEY, FAIRNESS_KEY, FAIRNESS_WEIGHT_KEY];

/** What `read` has of the three, checked; undefined when it has none. Throws BadRequest naming the field. */
export function requirePriorityFields(read: (name: string) => string): PriorityFields | undefined {
  let fields: Record<string, string> | undefined;
  for (const name of NAMES) {
    const value = read(name);
    if (value === '') continue;
    const fault = faultOf(name, value);
    if (fault !== undefined) throw badRequest(`${name} ${fault}.`);
    fields ??= {};
    fields[name] = value;
  }
  return fields;
}

/** The text of a header field: as it is, or a JSON string, which data converters make of one. */
function textOf(header: Header, name: string): string {
  const data = header.fields[name]?.data;
  if (data === undefined) return '';
  const text = new TextDecoder().decode(data).trim();
  if (!text.startsWith('"')) return text;
  try {
    const json: unknown = JSON.parse(text);
    return typeof json === 'string' ? json : text;
  } catch {
    return text; // not JSON: the check of the field says what is wrong with it
  }
}

const hasPriority = (header: Header | undefined): header is Header =>
  header !== undefined && NAMES.some((name) => name in header.fields);

/** The fields of a message header, checked; undefined when it has none. */
export const priorityFieldsOfHeader = (header: Header | undefined): PriorityFields | undefined =>
  hasPriority(header) ? requirePriorityFields((name) => textOf(header, name)) : undefined;

/** The priority that a partition config says. */
export function priorityOfConfig(config: Readonly<Record<string, string>>): Readonly<TaskPriority> {
  const priority = config[PRIORITY_KEY];
  const fairnessKey = config[FAIRNESS_KEY];
  if (priority === undefined && fairnessKey === undefined) return DEFAULT_TASK_PRIORITY;
  const weight = config[FAIRNESS_WEIGHT_KEY];
  return {
    priority: priority !== undefined && PRIORITY.test(priority) ? Number(priority) : DEFAULT_TASK_PRIORITY.priority,
    fairnessKey: fairnessKey !== undefined && faultOf(FAIRNESS_KEY, fairnessKey) === undefined ? fairnessKey : '',
    fairnessWeight:
      weight !== undefined && faultOf(FAIRNESS_WEIGHT_KEY, weight) === undefined
        ? Number(weight)
        : DEFAULT_TASK_PRIORITY.fairnessWeight,
  };
}

/** The priority of an activity whose header has one of its own, over that of its run; undefined: the run's. */
export function priorityOfActivity(
  header: Header | undefined,
  config: Readonly<Record<string, string>>,
): TaskPriority | undefined {
  if (!hasPriority(header)) return undefined;
  const own = Object.fromEntries(NAMES.map((name) => [name, textOf(header, name)]).filter(([, value]) => value !== ''));
  return priorityOfConfig({ ...config, ...own });
}
