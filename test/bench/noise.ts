// A tenant far beyond its quota, in a process of its own, so that its load is not in the measuring process: starts, signals, lists and polls at a
// given rate, whatever is answered. It speaks HTTP/2 itself with ready-made messages, which costs it least, and never slows down.
import { randomUUID } from 'node:crypto';
import http2 from 'node:http2';
import {
  ListOpenWorkflowExecutionsRequest,
  PollForActivityTaskRequest,
  SignalWorkflowExecutionRequest,
} from '@antiphon/proto';
import { framed } from './api.ts';
import { encodedStart, NOISY_DOMAIN } from './tenant-requests.ts';

export interface NoiseReport {
  readonly sentPerSecond: number;
  readonly refusedPerSecond: number;
  readonly servedPerSecond: number;
}

export interface NoiseRates {
  /** Calls that wait for their answers at most; a service of that many threads sends no more. */
  readonly inFlightMax: number;
  readonly user: number;
  readonly polls: number;
  readonly lists: number;
}

const TICK_MS = 10;
const CONNECTIONS = 4;

const signal = framed(
  SignalWorkflowExecutionRequest.encode(
    SignalWorkflowExecutionRequest.fromPartial({
      domain: NOISY_DOMAIN,
      workflowExecution: { workflowId: 'nobody' },
      signalName: 'noise',
    }),
  ).finish(),
);
const list = framed(
  ListOpenWorkflowExecutionsRequest.encode(
    ListOpenWorkflowExecutionsRequest.fromPartial({
      domain: NOISY_DOMAIN,
      startTimeFilter: { earliestTime: { seconds: 0n, nanos: 0 }, latestTime: { seconds: 9_999_999_999n, nanos: 0 } },
    }),
  ).finish(),
);
const poll = framed(
  PollForActivityTaskRequest.encode(
    PollForActivityTaskRequest.fromPartial({ domain: NOISY_DOMAIN, taskList: { name: 'noise' }, identity: 'noise' }),
  ).finish(),
);

const state = { sent: 0, refused: 0, served: 0, inFlight: 0, inFlightMax: 0 };

function send(session: http2.ClientHttp2Session, path: string, body: Buffer): void {
  if (state.inFlight >= state.inFlightMax) return;
  state.inFlight++;
  state.sent++;
  const stream = session.request({
    ':method': 'POST',
    ':path': `/uber.cadence.api.v1.${path}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': '30S',
    'rpc-caller': 'noise',
    'rpc-service': 'cadence-frontend',
    'rpc-encoding': 'proto',
  });
  const judge = (headers: http2.IncomingHttpHeaders): void => {
    if (headers['grpc-status'] === '8') state.refused++;
    else if (headers['grpc-status'] !== undefined) state.served++;
  };
  stream.on('response', judge);
  stream.on('trailers', judge);
  stream.on('error', () => {}); // A stream that ends with the process.
  stream.on('close', () => state.inFlight--);
  stream.resume();
  stream.end(body);
}

/** So many of a rate as the time since the start demands. */
const paced = (perSecond: number, startedMs: number) => {
  let sent = 0;
  return (): number => {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond) - sent;
    sent += due;
    return due;
  };
};

function main(address: string, rates: NoiseRates): void {
  state.inFlightMax = rates.inFlightMax;
  const sessions = Array.from({ length: CONNECTIONS }, () => http2.connect(`http://${address}`));
  for (const session of sessions) session.on('error', () => process.exit(1));
  let turn = 0;
  const next = () => sessions[turn++ % sessions.length] as http2.ClientHttp2Session;
  const startedMs = performance.now();
  const [user, polls, lists] = [rates.user, rates.polls, rates.lists].map((rate) => paced(rate, startedMs));
  setInterval(() => {
    for (let due = user?.() ?? 0; due > 0; due--) {
      if (due % 2 === 0) send(next(), 'WorkflowAPI/SignalWorkflowExecution', signal);
      else send(next(), 'WorkflowAPI/StartWorkflowExecution', framed(encodedStart(`noise-${randomUUID()}`)));
    }
    for (let due = polls?.() ?? 0; due > 0; due--) send(next(), 'WorkerAPI/PollForActivityTask', poll);
    for (let due = lists?.() ?? 0; due > 0; due--) send(next(), 'VisibilityAPI/ListOpenWorkflowExecutions', list);
  }, TICK_MS);
  process.on('message', () => {
    const seconds = (performance.now() - startedMs) / 1000;
    const report: NoiseReport = {
      sentPerSecond: state.sent / seconds,
      refusedPerSecond: state.refused / seconds,
      servedPerSecond: state.served / seconds,
    };
    process.send?.(report, () => process.exit(0));
  });
}

const [, , address, rates] = process.argv;
if (address !== undefined && rates !== undefined) main(address, JSON.parse(rates) as NoiseRates);
