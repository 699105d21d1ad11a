// The n-th request of a seed: which RPC, how valid, and by which door. The choices are the seed's alone; ids that the server made, which the
// pool holds, are not, so a finding is written down with its bytes.
import zlib from 'node:zlib';
import { Chance } from '../simulation/chance.ts';
import type { About } from './harvest.ts';
import { randomBytes } from './hostile-values.ts';
import { type HttpRequest, httpRequest } from './http-requests.ts';
import { hostileMetadata } from './metadata.ts';
import { mutate } from './mutate.ts';
import type { Pool } from './pool.ts';
import type { Method } from './schema.ts';
import { frame, type GrpcCall, LARGE_BYTES } from './transport.ts';
import { validRequest } from './valid-requests.ts';
import { encodeTree } from './wire.ts';

/** Shares of the requests, by what is wrong with them. */
const KINDS = {
  valid: 34,
  nearly: 30,
  hostile: 12,
  bytes: 3,
  metadata: 4,
  framing: 3,
  deadline: 2,
  cancel: 2,
  http: 10,
} as const;
export type Kind = keyof typeof KINDS;

export interface Planned {
  readonly index: number;
  readonly kind: Kind;
  readonly method: Method;
  readonly about: About;
  readonly grpc?: GrpcCall;
  readonly http?: HttpRequest;
}

/** How often an RPC is called, where not once: what makes runs, tasks and pages for the others. */
const WEIGHTS: Readonly<Record<string, number>> = {
  StartWorkflowExecution: 14,
  SignalWorkflowExecution: 5,
  SignalWithStartWorkflowExecution: 5,
  PollForDecisionTask: 12,
  RespondDecisionTaskCompleted: 14,
  RespondDecisionTaskFailed: 3,
  PollForActivityTask: 7,
  RespondActivityTaskCompleted: 5,
  RespondActivityTaskFailed: 3,
  RespondActivityTaskCanceled: 2,
  RecordActivityTaskHeartbeat: 3,
  QueryWorkflow: 2,
  ResetWorkflowExecution: 2,
  GetWorkflowExecutionHistory: 4,
  ListWorkflowExecutions: 3,
  CreateSchedule: 2,
};

/** Milliseconds that a call may take, where it waits for something: what nobody sends must not keep the fuzzer waiting. */
const PATIENCE_MS: Readonly<Record<string, number>> = {
  PollForDecisionTask: 2500,
  PollForActivityTask: 2500,
  GetWorkflowExecutionHistory: 1500,
  QueryWorkflow: 800,
  DescribeSchedule: 3000,
};
/** True when the RPC may hold its caller until his deadline, however far that is. */
export const isWaiting = ({ name }: Method): boolean => PATIENCE_MS[name] !== undefined;

const TIMEOUT_MS = 10_000;
/** What a call may take beyond its deadline. */
const GRACE_MS = 15_000;
const LARGE_GRACE_MS = 60_000;

const TIMEOUTS: readonly string[] = [
  '0m',
  '1n',
  '1m',
  '50u',
  '99999999H',
  '1S',
  '',
  '-1S',
  'soon',
  '999999999S',
  '10X',
  '1e3m',
];

export const weightedMethods = (methods: readonly Method[]): readonly Method[] =>
  methods.flatMap((method) => Array.from({ length: WEIGHTS[method.name] ?? 1 }, () => method));

export function plan(seed: string, index: number, pool: Pool, methods: readonly Method[]): Planned {
  const chance = new Chance(`${seed}/${index}`);
  const kind = chance.weighted(KINDS);
  const method = chance.pick(methods);
  const { tree, about } = validRequest(chance, pool, method);
  if (kind === 'nearly') mutate(chance, tree, 1);
  if (kind === 'hostile') mutate(chance, tree, chance.whole(2, 6));
  const planned = { index, kind, method, about };
  if (kind === 'http') return { ...planned, http: httpRequest(chance, method, tree, about) };
  const message = kind === 'bytes' ? noMessage(chance, encodeTree(tree)) : encodeTree(tree);
  return { ...planned, grpc: grpcCall(chance, kind, method, message) };
}

function noMessage(chance: Chance, valid: Buffer): Buffer {
  if (valid.length === 0 || chance.is(0.3)) return Buffer.from(randomBytes(chance, chance.whole(0, 300)));
  const bytes = Buffer.from(valid);
  if (chance.is(0.3)) return bytes.subarray(0, chance.whole(0, bytes.length - 1));
  for (let flips = chance.whole(1, 5); flips > 0; flips--)
    bytes[chance.whole(0, bytes.length - 1)]! ^= 1 << chance.whole(0, 7);
  return bytes;
}

function grpcCall(chance: Chance, kind: Kind, method: Method, message: Uint8Array): GrpcCall {
  const timeoutMs = PATIENCE_MS[method.name] ?? TIMEOUT_MS;
  const headers: Record<string, string> = {
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    'grpc-timeout': `${timeoutMs}m`,
    'rpc-caller': 'antiphon-fuzz',
    'rpc-service': 'cadence-frontend',
    'rpc-encoding': 'proto',
    'cadence-client-name': 'uber-go',
    'cadence-client-feature-version': '1.7.0',
  };
  const call: GrpcCall = {
    path: method.path,
    headers,
    body: frame(message),
    ending: 'end',
    patienceMs: timeoutMs + (message.length > LARGE_BYTES ? LARGE_GRACE_MS : GRACE_MS),
  };
  switch (kind) {
    case 'metadata':
      return { ...call, headers: { ...headers, ...hostileMetadata(chance) } };
    case 'deadline':
      return { ...call, headers: { ...headers, 'grpc-timeout': chance.pick(TIMEOUTS) }, patienceMs: TIMEOUT_MS };
    case 'cancel':
      return { ...call, ending: 'cancel' };
    case 'framing':
      return misframed(chance, call, message);
    default:
      return call;
  }
}

/** Calls whose frames, not their messages, are wrong. */
function misframed(chance: Chance, call: GrpcCall, message: Uint8Array): GrpcCall {
  const whole = frame(message);
  const withHeaders = (more: Readonly<Record<string, string>>): GrpcCall => ({
    ...call,
    headers: { ...call.headers, ...more },
  });
  switch (
    chance.weighted({
      empty: 2,
      cut: 2,
      long: 1,
      two: 2,
      flag: 1,
      gzip: 3,
      bomb: 0.1,
      garbage: 2,
      encoding: 1,
      path: 2,
      type: 2,
      half: 1,
    })
  ) {
    case 'empty':
      return { ...call, body: undefined };
    case 'cut':
      return { ...call, body: whole.subarray(0, chance.whole(0, whole.length - 1)) };
    case 'long':
      return { ...call, body: Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]) };
    case 'two':
      return { ...call, body: Buffer.concat([whole, whole]) };
    case 'flag':
      return { ...call, body: frame(message, true) };
    case 'gzip':
      return { ...withHeaders({ 'grpc-encoding': 'gzip' }), body: frame(zlib.gzipSync(message), true) };
    case 'bomb':
      return { ...withHeaders({ 'grpc-encoding': 'gzip' }), body: frame(BOMB, true) };
    case 'garbage':
      return { ...withHeaders({ 'grpc-encoding': chance.pick(['gzip', 'deflate']) }), body: frame(message, true) };
    case 'encoding':
      return { ...withHeaders({ 'grpc-encoding': chance.pick(['brainfuck', 'br', '']) }), body: frame(message, true) };
    case 'path':
      return {
        ...call,
        path: chance.pick([`${call.path}s`, '/', '/a/b/c', '/uber.cadence.api.v1.WorkflowAPI/', '/x'.repeat(2000)]),
      };
    case 'type':
      return withHeaders({
        'content-type': chance.pick([
          'application/json',
          'text/html',
          'application/grpc+json',
          'application/grpcx',
          '',
        ]),
      });
    case 'half':
      return {
        ...call,
        body: whole.subarray(0, 3),
        ending: 'half',
        headers: { ...call.headers, 'grpc-timeout': '300m' },
      };
  }
}

const BOMB = zlib.gzipSync(Buffer.alloc(64 << 20));
