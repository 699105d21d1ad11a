// A schedule: one workflow in the user's domain. It waits for the next fire, for signals, or for the close of a run that a buffered fire waits
// for; everything that needs the clock, the calendar or the service is in its activities, so that its own code replays anywhere.
// Invariants: a step's outcome replaces the state as a whole, and commands that came meanwhile are applied to it afterwards; so none is
// lost and none is undone. The history is bounded: the workflow continues as new after some steps.
import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  defineWorkflow,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@antiphon/sdk/workflow';
import type { ScheduleCommand, ScheduleInput, ScheduleState } from '#core';
import type { ScheduleActivities } from '../schedule/schedule-activities.ts';
import { applyCommand, type Schedule } from './schedule-commands.ts';

const RETRY = {
  initialInterval: '1s',
  backoffCoefficient: 2,
  maximumInterval: '30s',
  expirationInterval: '3650d',
} as const;
// A step takes a second; where it is lost with its process, another takes over before its fires count as missed.
const { advanceSchedule } = proxyActivities<ScheduleActivities>({
  startToCloseTimeout: '1m',
  heartbeatTimeout: '5s',
  retry: RETRY,
});
const { awaitRunClose } = proxyActivities<ScheduleActivities>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '30s',
  retry: RETRY,
});

const STEPS_MAX = 250;
const EVENTS_MAX = 4000;
/** Of steps' inputs and outcomes: a schedule may hold a thousand open runs, and each step repeats them. */
const STATE_CHARS_MAX = 4_000_000;
/** A wait for longer is taken in parts. */
const WAIT_SECONDS_MAX = 30 * 86_400;
const COMMAND_KINDS = ['pause', 'unpause', 'update', 'backfill', 'delete'] as const;
const describeQuery = defineQuery<Schedule>('scheduler-describe');

export const schedulerWorkflow = defineWorkflow('cadence-scheduler', async (input: ScheduleInput): Promise<void> => {
  const isWhole = input?.scheduleId && input.definition?.spec && input.definition.action && input.state?.running;
  // Anybody may start a workflow of this type; one that is no schedule ends at once.
  if (!isWhole) throw ApplicationFailure.nonRetryable('the input is not that of a schedule', 'InvalidSchedule');
  const { scheduleId } = input;
  let schedule: Schedule = { definition: input.definition, state: input.state };
  let isDeleted = false;
  // Received while a step is on its way.
  let inbox: { readonly command: ScheduleCommand; readonly atMs: number }[] = [];
  let isStepping = false;
  let isChanged = true;
  let stateChars = 0;

  const receive = (command: ScheduleCommand): void => {
    if (command.kind === 'delete') isDeleted = true;
    const attributes = (command.kind === 'update' && command.searchAttributes) || {};
    // None is no change; the command itself demands one.
    if (Object.keys(attributes).length > 0) upsertSearchAttributes(attributes);
    isChanged = true;
    if (isStepping) inbox.push({ command, atMs: Date.now() });
    else schedule = applyCommand(schedule, command, Date.now());
    publish(current());
  };
  const current = (): Schedule =>
    inbox.reduce((known, { command, atMs }) => applyCommand(known, command, atMs), schedule);
  for (const kind of COMMAND_KINDS) {
    // The payload of a signal is the command without its kind.
    setHandler(defineSignal<[Omit<ScheduleCommand, 'kind'>]>(`scheduler-${kind}`), (fields) =>
      receive({ ...fields, kind } as ScheduleCommand),
    );
  }
  setHandler(describeQuery, current);
  const publish = attributePublisher();

  for (let step = 0; !isDeleted; step++) {
    if (step >= STEPS_MAX || stateChars >= STATE_CHARS_MAX || workflowInfo().historyLength >= EVENTS_MAX) {
      return continueAsNew<typeof schedulerWorkflow>({ scheduleId, ...schedule });
    }
    isStepping = true;
    isChanged = false;
    const outcome = await advanceSchedule({ scheduleId, ...schedule });
    schedule = { definition: schedule.definition, state: outcome.state };
    stateChars += 2 * JSON.stringify(schedule).length;
    isStepping = false;
    const received = inbox;
    inbox = [];
    for (const { command, atMs } of received) schedule = applyCommand(schedule, command, atMs);
    publish(schedule);
    if (isChanged) continue;
    await waitForWork(outcome.wakeMs, outcome.awaits, () => isChanged);
  }
});

/** Ends when the time has come (to the second before it: the step waits for the rest), a run has closed, or a command came. */
async function waitForWork(
  wakeMs: number | undefined,
  awaits: ScheduleState['running'],
  isChanged: () => boolean,
): Promise<void> {
  const seconds =
    wakeMs === undefined ? undefined : Math.min(Math.floor((wakeMs - Date.now()) / 1000), WAIT_SECONDS_MAX);
  if (seconds !== undefined && seconds <= 0) return;
  let hasClosed = false;
  const scope = new CancellationScope({ cancellable: true });
  const watching =
    awaits.length === 0
      ? undefined
      : scope
          .run(() => awaitRunClose(awaits))
          .then(
            () => {
              hasClosed = true;
            },
            (error: unknown) => {
              if (isCancellation(error)) return;
              if (!(error instanceof ActivityFailure)) throw error;
              // Its hour is over, say: the next step looks at the runs itself.
              hasClosed = true;
            },
          );
  const isReady = (): boolean => isChanged() || hasClosed;
  if (seconds === undefined) await condition(isReady);
  else await condition(isReady, seconds * 1000);
  scope.cancel('the wait is over');
  await watching;
}

/** Keeps the attributes that lists show in step with the schedule; writes only what changed. */
function attributePublisher(): (schedule: Schedule) => void {
  const { searchAttributes } = workflowInfo();
  let published = {
    CadenceScheduleState: searchAttributes.CadenceScheduleState,
    CadenceScheduleCron: searchAttributes.CadenceScheduleCron,
    CadenceScheduleWorkflowType: searchAttributes.CadenceScheduleWorkflowType,
  };
  return ({ definition, state }) => {
    const next = {
      CadenceScheduleState: state.paused ? 'paused' : 'active',
      CadenceScheduleCron: definition.spec.cron,
      CadenceScheduleWorkflowType: definition.action.workflowType,
    };
    if (JSON.stringify(next) === JSON.stringify(published)) return;
    published = next;
    upsertSearchAttributes(next);
  };
}
