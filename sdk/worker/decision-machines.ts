// The decision state machines: what was decided, what history has acknowledged, and what must still be sent. Keyed by kind
// and id; any access moves a machine to the back, so a cancel is sent after what was decided before it.
// Invariant: an event that no machine expects is non-determinism and throws; nothing is sent twice.
// Cadence: cadence-go-client internal/internal_decision_state_machine.go.
import type { Decision } from '@antiphon/proto';
import { NonDeterminismError } from './non-determinism.ts';

export type MachineKind =
  | 'activity'
  | 'timer'
  | 'child'
  | 'cancelExternal'
  | 'signalExternal'
  | 'marker'
  | 'upsert'
  | 'close';

type State =
  | 'created'
  | 'decisionSent'
  | 'canceledBeforeInitiated'
  | 'initiated'
  | 'started'
  | 'canceledAfterInitiated'
  | 'canceledAfterStarted'
  | 'cancellationDecisionSent'
  | 'completedAfterCancellationDecisionSent'
  | 'completed';

type MachineEvent =
  | 'sent'
  | 'cancel'
  | 'initiated'
  | 'initiateFailed'
  | 'started'
  | 'completion'
  | 'cancelInitiated'
  | 'cancelFailed'
  | 'canceled';

type Transitions = Readonly<Record<State, Readonly<Partial<Record<MachineEvent, State>>>>>;

const COMMON: Transitions = {
  created: { sent: 'decisionSent', cancel: 'completed' },
  decisionSent: { cancel: 'canceledBeforeInitiated', initiated: 'initiated', initiateFailed: 'completed' },
  canceledBeforeInitiated: { initiated: 'canceledAfterInitiated', initiateFailed: 'completed' },
  initiated: { cancel: 'canceledAfterInitiated', completion: 'completed', initiateFailed: 'completed' },
  started: { cancel: 'canceledAfterStarted', completion: 'completed', canceled: 'completed' },
  canceledAfterInitiated: { sent: 'cancellationDecisionSent', completion: 'completed', initiateFailed: 'completed' },
  canceledAfterStarted: { sent: 'cancellationDecisionSent', completion: 'completed', canceled: 'completed' },
  cancellationDecisionSent: {
    cancelInitiated: 'cancellationDecisionSent',
    completion: 'completedAfterCancellationDecisionSent',
    canceled: 'completed',
    cancelFailed: 'initiated',
  },
  completedAfterCancellationDecisionSent: {
    cancel: 'completedAfterCancellationDecisionSent',
    cancelInitiated: 'completedAfterCancellationDecisionSent',
    canceled: 'completed',
    cancelFailed: 'completed',
  },
  completed: { cancel: 'completed' },
};

const CHILD: Transitions = {
  ...COMMON,
  initiated: { ...COMMON.initiated, started: 'started' },
  // A child is asked to cancel only when its run exists.
  canceledAfterInitiated: { started: 'canceledAfterStarted', completion: 'completed', initiateFailed: 'completed' },
  cancellationDecisionSent: { ...COMMON.cancellationDecisionSent, cancelFailed: 'started' },
};

/** Markers, upserts and the close command: done as soon as they are sent. */
const ONE_SHOT: Transitions = { ...COMMON, created: { sent: 'completed', cancel: 'completed' } };

function transitionsOf(kind: MachineKind): Transitions {
  if (kind === 'child') return CHILD;
  return kind === 'marker' || kind === 'upsert' || kind === 'close' ? ONE_SHOT : COMMON;
}

export interface DecisionMachine {
  readonly kind: MachineKind;
  readonly id: string;
  state: State;
  readonly decision: Decision;
  readonly cancelDecision: Decision | undefined;
}

export interface DecisionMachines {
  add(kind: MachineKind, id: string, decision: Decision, cancelDecision?: Decision): void;
  /** Cancels what workflow code cancelled; nothing when it is done already. */
  cancel(kind: MachineKind, id: string): void;
  /** Applies an event of history. */
  handle(kind: MachineKind, id: string, event: Exclude<MachineEvent, 'sent' | 'cancel'>): void;
  /** What must be sent now, in order; marks it as sent. */
  takeDecisions(): Decision[];
}

const keyOf = (kind: MachineKind, id: string): string => `${kind}:${id}`;

export function createDecisionMachines(): DecisionMachines {
  // Insertion order of the map is the order of decisions.
  const machines = new Map<string, DecisionMachine>();

  const access = (kind: MachineKind, id: string): DecisionMachine | undefined => {
    const machine = machines.get(keyOf(kind, id));
    if (machine) {
      machines.delete(keyOf(kind, id));
      machines.set(keyOf(kind, id), machine);
    }
    return machine;
  };
  const move = (machine: DecisionMachine, event: MachineEvent): void => {
    const next = transitionsOf(machine.kind)[machine.state][event];
    if (!next) {
      throw new NonDeterminismError(
        `${machine.kind} ${machine.id} in state ${machine.state} does not expect "${event}"`,
      );
    }
    machine.state = next;
    if (next === 'completed') machines.delete(keyOf(machine.kind, machine.id));
  };
  const due = (machine: DecisionMachine): Decision | undefined => {
    if (machine.state === 'created') return machine.decision;
    const cancels =
      machine.kind === 'child' ? machine.state === 'canceledAfterStarted' : machine.state === 'canceledAfterInitiated';
    return cancels ? machine.cancelDecision : undefined;
  };
  return {
    add: (kind, id, decision, cancelDecision) => {
      if (machines.has(keyOf(kind, id))) throw new NonDeterminismError(`${kind} ${id} was decided twice`);
      machines.set(keyOf(kind, id), { kind, id, state: 'created', decision, cancelDecision });
    },
    cancel: (kind, id) => {
      const machine = access(kind, id);
      if (machine) move(machine, 'cancel');
    },
    handle: (kind, id, event) => {
      const machine = access(kind, id);
      if (!machine)
        throw new NonDeterminismError(`history has ${kind} ${id} (${event}), which workflow code did not ask for`);
      move(machine, event);
    },
    takeDecisions: () => {
      const decisions: Decision[] = [];
      for (const machine of [...machines.values()]) {
        const decision = due(machine);
        if (!decision) continue;
        decisions.push(decision);
        move(machine, 'sent');
      }
      return decisions;
    },
  };
}
