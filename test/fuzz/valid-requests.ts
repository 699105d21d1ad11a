// A request of any RPC that the server takes, mostly: built from its descriptor, with texts and tokens that mean something.
import type { DescField, DescMessage, DescOneof } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import type { Chance } from '../simulation/chance.ts';
import type { About } from './harvest.ts';
import { damaged, randomBytes } from './hostile-values.ts';
import type { KnownTask, Pool, TaskKind } from './pool.ts';
import type { Method } from './schema.ts';
import {
  DISPOSABLE_DOMAINS,
  SEARCH_VALUES,
  STICKY_LISTS,
  TASK_LISTS,
  validInteger,
  validSeconds,
  validText,
  validTime,
} from './valid-text.ts';
import {
  bytesValue,
  doubleValue,
  type Field,
  integerValue,
  type MessageTree,
  messageValue,
  textValue,
  type Value,
} from './wire.ts';

/** Fields without which next to nothing is done. */
const NEEDED = new Set(
  `domain workflow_execution workflow_id workflow_type activity_type task_list task_list_type request_id task_token signal_name query
   query_type execution_start_to_close_timeout task_start_to_close_timeout start_request request schedule_id spec action start_workflow
   cron_expression name activity_id timer_id marker_name start_to_fire_timeout schedule_to_close_timeout schedule_to_start_timeout
   start_to_close_timeout decisions workflow_execution_retention_period page_size start_time end_time earliest_time latest_time
   start_time_filter config_name value encoding_type data initial_interval backoff_coefficient maximum_attempts maximum_interval result
   result_type update_mask shard_id decision_finish_event_id heartbeat_timeout search_attribute indexed_fields attributes describe_by
   filters domain_id scope worker_task_list num_read_partitions num_write_partitions cluster_name domain_name domain_active_cluster_name
   history_event_filter_type catch_up_policy overlap_policy type`.split(/\s+/),
);
/** Fields that would end the depth of a run or make it wait, if they came as often as others. */
const RARE: Readonly<Record<string, number>> = {
  cron_schedule: 0.1,
  delay_start: 0.05,
  first_run_at: 0.05,
  jitter_start: 0.05,
  active_cluster_selection_policy: 0.03,
  next_page_token: 0.35,
  first_execution_run_id: 0.15,
  active_clusters: 0.1,
  active_clusters_by_region: 0.05,
  is_global_domain: 0.3,
  sticky_attributes: 0.3,
  search_attributes: 0.25,
  skip_archival: 0.5,
  retry_policy: 0.3,
};

const DECISION_WEIGHTS: Readonly<Record<string, number>> = {
  schedule_activity_task_decision_attributes: 10,
  start_timer_decision_attributes: 5,
  complete_workflow_execution_decision_attributes: 3,
  fail_workflow_execution_decision_attributes: 1,
  request_cancel_activity_task_decision_attributes: 3,
  cancel_timer_decision_attributes: 3,
  record_marker_decision_attributes: 4,
  continue_as_new_workflow_execution_decision_attributes: 1,
  start_child_workflow_execution_decision_attributes: 3,
};

const TASK_OF: Readonly<Record<string, TaskKind>> = {
  RespondDecisionTaskCompleted: 'decision',
  RespondDecisionTaskFailed: 'decision',
  RespondQueryTaskCompleted: 'query',
};

export interface ValidRequest {
  readonly tree: MessageTree;
  readonly about: About;
}

export function validRequest(chance: Chance, pool: Pool, method: Method): ValidRequest {
  const known = chance.is(0.75) ? pool.runs.pick(chance) : undefined;
  const domain = known?.domain ?? chance.pick(pool.domains);
  const builder = new Builder(chance, pool, method, { domain, known });
  const tree = builder.message(method.input, 0);
  return { tree, about: { domain: builder.domain, workflowId: builder.workflowId } };
}

class Builder {
  readonly #chance: Chance;
  readonly #pool: Pool;
  readonly #method: Method;
  readonly #runId: string;
  domain: string;
  workflowId: string;

  constructor(
    chance: Chance,
    pool: Pool,
    method: Method,
    given: { domain: string; known: { workflowId: string; runId: string } | undefined },
  ) {
    this.#chance = chance;
    this.#pool = pool;
    this.#method = method;
    this.domain = given.domain;
    this.workflowId = given.known?.workflowId ?? validText(chance, pool, '', 'workflow_id');
    this.#runId = given.known !== undefined && chance.is(0.6) ? given.known.runId : '';
  }

  message(type: DescMessage, depth: number, fieldName = ''): MessageTree {
    const special = this.#special(type, fieldName);
    if (special !== undefined) return special;
    const fields: Field[] = [];
    for (const member of type.members) {
      const field = member.kind === 'oneof' ? this.#choose(member) : member;
      if (field === undefined || !this.#has(field, depth)) continue;
      for (const value of this.#values(field, type, depth))
        fields.push({ number: field.number, descriptor: field, value });
    }
    return { type, fields };
  }

  #choose(oneof: DescOneof): DescField | undefined {
    const weights = Object.fromEntries(oneof.fields.map((field) => [field.name, DECISION_WEIGHTS[field.name] ?? 1]));
    const name = this.#chance.weighted(weights);
    return oneof.fields.find((field) => field.name === name);
  }

  #has({ name, oneof }: DescField, depth: number): boolean {
    if (oneof !== undefined) return true;
    const chance = this.#chance;
    const rare = RARE[name];
    if (rare !== undefined) return chance.is(rare);
    return chance.is(NEEDED.has(name) ? 0.99 : depth > 3 ? 0.1 : 0.4);
  }

  #values(field: DescField, owner: DescMessage, depth: number): Value[] {
    if (field.fieldKind === 'map') return this.#mapEntries(field, depth);
    if (field.fieldKind !== 'list') return [this.#value(field, owner, depth)];
    const count = this.#chance.pick(field.name === 'decisions' ? [0, 1, 1, 2, 3, 5] : [0, 1, 1, 2]);
    if (field.name === 'paths') return [textValue(this.#chance.pick(['description', 'data', 'retention']))];
    return Array.from({ length: count }, () => this.#value(field, owner, depth));
  }

  #mapEntries(field: DescField & { fieldKind: 'map' }, depth: number): Value[] {
    const chance = this.#chance;
    const count = chance.pick([0, 1, 1, 2]);
    return Array.from({ length: count }, (_, index) => {
      const searchName = field.name === 'indexed_fields' ? chance.pick(Object.keys(SEARCH_VALUES)) : undefined;
      const key = searchName ?? (field.name === 'search_attribute' ? `FuzzField${chance.whole(0, 9)}` : `key-${index}`);
      let value: Value;
      if (searchName !== undefined) {
        value = messageValue(payload(Buffer.from(SEARCH_VALUES[searchName] ?? '')));
      } else if (field.mapKind === 'message') value = messageValue(this.message(field.message, depth + 1, field.name));
      else if (field.mapKind === 'enum') value = integerValue(chance.whole(1, field.enum.values.length - 1));
      else value = this.#scalar(field.scalar, field.name, '');
      const isTextKey = field.mapKey === ScalarType.STRING;
      return messageValue({
        type: undefined,
        fields: [
          { number: 1, descriptor: undefined, value: isTextKey ? textValue(key) : integerValue(index) },
          { number: 2, descriptor: undefined, value },
        ],
      });
    });
  }

  #value(field: DescField, owner: DescMessage, depth: number): Value {
    if (field.message !== undefined) return messageValue(this.message(field.message, depth + 1, field.name));
    if (field.enum !== undefined) return integerValue(this.#enumValue(field.name, field.enum.values.length));
    return this.#scalar(field.scalar ?? ScalarType.BYTES, field.name, owner.name);
  }

  #enumValue(name: string, count: number): number {
    if (name === 'kind') return this.#chance.is(0.9) ? 1 : 2;
    if (name === 'encoding_type') return 2;
    return this.#chance.whole(0, count - 1);
  }

  #scalar(type: ScalarType, field: string, owner: string): Value {
    const chance = this.#chance;
    switch (type) {
      case ScalarType.STRING:
        return textValue(this.#text(owner, field));
      case ScalarType.BYTES:
        return bytesValue(this.#bytes(field));
      case ScalarType.BOOL:
        return integerValue(chance.whole(0, 1));
      case ScalarType.DOUBLE:
        return doubleValue(field === 'backoff_coefficient' ? 1 + chance.whole(0, 2) : chance.whole(1, 1000));
      default:
        return integerValue(validInteger(chance, field));
    }
  }

  #text(owner: string, field: string): string {
    if (field === 'domain') return this.#chance.is(0.03) ? this.#chance.pick(DISPOSABLE_DOMAINS) : this.domain;
    // Children and starts mostly take another id than the run at hand.
    if (field === 'workflow_id' && owner === 'WorkflowExecution') return this.workflowId;
    if (field === 'workflow_id' && this.#method.input.name === owner) {
      this.workflowId = validText(this.#chance, this.#pool, owner, field);
      return this.workflowId;
    }
    if (field === 'run_id' && owner === 'WorkflowExecution') return this.#runId;
    if (field === 'activity_id' && this.#method.name.endsWith('ByID') && this.#chance.is(0.8)) {
      const known = this.#pool.activityIds.pick(this.#chance);
      if (known !== undefined) return known.activityId;
    }
    return validText(this.#chance, this.#pool, owner, field);
  }

  #bytes(field: string): Uint8Array {
    if (field === 'task_token') return this.#taskToken();
    if (field === 'next_page_token') return this.#pageToken();
    return Buffer.from(`fuzz ${field} ${this.#chance.whole(0, 99)}`);
  }

  #taskToken(): Uint8Array {
    const chance = this.#chance;
    const tasks = this.#pool.tasks[TASK_OF[this.#method.name] ?? 'activity'];
    // A heartbeat leaves its task to be answered later.
    const task: KnownTask | undefined =
      this.#method.name === 'RecordActivityTaskHeartbeat' || chance.is(0.1) ? tasks.pick(chance) : tasks.take();
    if (task !== undefined) {
      this.domain = task.domain;
      this.workflowId = task.workflowId;
      if (chance.is(0.93)) return task.token;
      return chance.is(0.5) ? this.#forged(task.token) : damaged(chance, task.token);
    }
    const used = this.#pool.usedTokens.pick(chance);
    return used === undefined ? randomBytes(chance, 20) : chance.is(0.5) ? used : damaged(chance, used);
  }

  /** The task of another domain, under the id of this one or of one that no request may name. */
  #forged(token: Uint8Array): Uint8Array {
    const id = this.#chance.pick(this.#pool.domainIds);
    try {
      return Buffer.from(JSON.stringify({ ...(JSON.parse(Buffer.from(token).toString()) as object), domainId: id }));
    } catch {
      return token; // One that was damaged before stays as it is.
    }
  }

  #pageToken(): Uint8Array {
    const chance = this.#chance;
    if (chance.is(0.1) && this.#pool.foreignTokens.length > 0) return chance.pick(this.#pool.foreignTokens);
    const rpc = chance.is(0.85) ? this.#method.name : chance.pick([...this.#pool.pageTokens.keys(), this.#method.name]);
    const token = this.#pool.pageToken(rpc, chance);
    if (token === undefined) return chance.is(0.5) ? new Uint8Array() : randomBytes(chance, 24);
    return chance.is(0.8) ? token : damaged(chance, token);
  }

  #special(type: DescMessage, fieldName: string): MessageTree | undefined {
    const chance = this.#chance;
    const tree = (...values: readonly (readonly [number, Value])[]): MessageTree => ({
      type,
      fields: values.map(([number, value]) => ({
        number,
        descriptor: type.fields.find((field) => field.number === number),
        value,
      })),
    });
    switch (type.typeName) {
      case 'google.protobuf.Duration':
        return tree([1, integerValue(validSeconds(chance, fieldName))], [2, integerValue(0)]);
      case 'google.protobuf.Timestamp':
        return tree([1, integerValue(validTime(chance))], [2, integerValue(chance.whole(0, 999_999_999))]);
      case 'uber.cadence.api.v1.Payload':
        return payload(Buffer.from(JSON.stringify({ fuzz: chance.whole(0, 9) })), type);
      case 'uber.cadence.api.v1.TaskList': {
        const isSticky =
          fieldName === 'worker_task_list' || (this.#method.name === 'PollForDecisionTask' && chance.is(0.15));
        const name = chance.pick(isSticky ? STICKY_LISTS : TASK_LISTS);
        return tree([1, textValue(name)], [2, integerValue(isSticky ? 2 : 1)]);
      }
      case 'uber.cadence.api.v1.DataBlob':
        // Never of the type that a key has: a limit of 0 would end all depth. `{}` and texts are what the checks must refuse.
        return tree(
          [1, integerValue(2)],
          [2, bytesValue(Buffer.from(chance.pick(['"text"', '{}', '[1]', 'null', '{'])))],
        );
      default:
        return undefined;
    }
  }
}

const payload = (data: Uint8Array, type?: DescMessage): MessageTree => ({
  type,
  fields: [{ number: 1, descriptor: type?.fields[0], value: bytesValue(data) }],
});
