package compat

import (
	"context"
	"testing"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

// resettable runs one activity, waits for one signal and returns both.
func resettable(ctx workflow.Context) (string, error) {
	var step, word string
	if err := workflow.ExecuteActivity(activities(ctx), "step").Get(ctx, &step); err != nil {
		return "", err
	}
	workflow.GetSignalChannel(ctx, "word").Receive(ctx, &word)
	return step + " " + word, nil
}

func (s *scenario) reset(run client.WorkflowRun, finishID int64, adjust ...func(*shared.ResetWorkflowExecutionRequest)) (client.WorkflowRun, error) {
	request := &shared.ResetWorkflowExecutionRequest{
		Domain:                &domain,
		WorkflowExecution:     s.execution(run),
		Reason:                ptr("compat reset"),
		DecisionFinishEventId: &finishID,
		RequestId:             ptr(uuid.New()),
	}
	for _, apply := range adjust {
		apply(request)
	}
	response, err := s.client.ResetWorkflow(s.ctx, request)
	if err != nil {
		return nil, err
	}
	return s.client.GetWorkflow(s.ctx, run.GetID(), response.GetRunId()), nil
}

func newResettable(t *testing.T) (*scenario, client.WorkflowRun) {
	s := newScenario(t)
	s.workflow("resettable", resettable)
	s.activity("step", func(context.Context) (string, error) { return "stepped", nil })
	s.startWorker()
	run := s.start("resettable")
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	return s, run
}

func TestResetClosedReappliesSignals(t *testing.T) {
	s, run := newResettable(t)
	s.signal(run, "word", "first")
	require.Equal(t, "stepped first", result[string](s, run))
	s.expectHistory(run, `Begin ActivityOK Decide WorkflowExecutionSignaled Decide Complete`)

	again, err := s.reset(run, 10) // the decision after the activity
	require.NoError(t, err)
	require.Equal(t, "stepped first", result[string](s, again))
	events := s.expectHistory(again, `Begin ActivityOK DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed
		WorkflowExecutionSignaled Decide Complete`)
	failed := only(s, events, shared.EventTypeDecisionTaskFailed).DecisionTaskFailedEventAttributes
	require.Equal(t, shared.DecisionTaskFailedCauseResetWorkflow, failed.GetCause())
	require.Equal(t, run.GetRunID(), failed.GetBaseRunId())
	require.Equal(t, again.GetRunID(), failed.GetNewRunId())
	require.Equal(t, "compat reset", failed.GetReason())
	require.NoError(t, s.replay(events))
}

func TestResetRunningTerminatesCurrent(t *testing.T) {
	s, run := newResettable(t)
	again, err := s.reset(run, 4) // the first decision
	require.NoError(t, err)
	attributes := last(s.expectHistory(run, `Begin ActivityOK Decide WorkflowExecutionTerminated`)).WorkflowExecutionTerminatedEventAttributes
	require.Equal(t, "compat reset", attributes.GetReason())
	s.signal(again, "word", "second")
	require.Equal(t, "stepped second", result[string](s, again))
	s.expectHistory(again, `WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed
		DecisionTaskScheduled
		( WorkflowExecutionSignaled DecisionTaskStarted DecisionTaskCompleted ActivityOK Decide
		| DecisionTaskStarted WorkflowExecutionSignaled? DecisionTaskCompleted
			(ActivityTaskScheduled|ActivityTaskStarted|ActivityTaskCompleted|WorkflowExecutionSignaled|DecisionTaskScheduled|DecisionTaskStarted|DecisionTaskCompleted)*
		) Complete`)
}

func TestResetSkippingSignals(t *testing.T) {
	s, run := newResettable(t)
	s.signal(run, "word", "first")
	require.Equal(t, "stepped first", result[string](s, run))
	again, err := s.reset(run, 10, func(r *shared.ResetWorkflowExecutionRequest) { r.SkipSignalReapply = ptr(true) })
	require.NoError(t, err)
	s.untilEvents(again, shared.EventTypeDecisionTaskCompleted, 2)
	s.signal(again, "word", "other")
	require.Equal(t, "stepped other", result[string](s, again))
	s.expectHistory(again, `Begin ActivityOK DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed
		Decide WorkflowExecutionSignaled Decide Complete`)
}

func TestResetErrors(t *testing.T) {
	s, run := newResettable(t)
	s.signal(run, "word", "first")
	require.NoError(t, run.Get(s.ctx, nil))
	const outside = "Decision finish ID must be > 1 && <= workflow next event ID."
	const wrongType = "reset event must be of type DecisionTaskStarted, DecisionTaskTimedOut, DecisionTaskFailed, or DecisionTaskCompleted. " +
		"Attempting to reset on event type: "
	for eventID, text := range map[int64]string{
		0: outside, 1: outside, 999: outside,
		2: wrongType + "DecisionTaskScheduled", 5: wrongType + "ActivityTaskScheduled",
	} {
		_, err := s.reset(run, eventID)
		require.IsTypef(t, &shared.BadRequestError{}, err, "reset to %d", eventID)
		require.Equal(t, text, err.(*shared.BadRequestError).GetMessage())
	}
	_, err := s.reset(s.client.GetWorkflow(s.ctx, "no-such-workflow", run.GetRunID()), 4)
	require.IsType(t, &shared.EntityNotExistsError{}, err)
}

// A reset may name the start of a decision, too.
func TestResetToDecisionStarted(t *testing.T) {
	s, run := newResettable(t)
	s.signal(run, "word", "first")
	require.NoError(t, run.Get(s.ctx, nil))
	again, err := s.reset(run, 9)
	require.NoError(t, err)
	require.Equal(t, "stepped first", result[string](s, again))
	events := s.expectHistory(again, `Begin ActivityOK DecisionTaskScheduled DecisionTaskTimedOut WorkflowExecutionSignaled Decide Complete`)
	timedOut := only(s, events, shared.EventTypeDecisionTaskTimedOut).DecisionTaskTimedOutEventAttributes
	require.Equal(t, shared.TimeoutTypeScheduleToStart, timedOut.GetTimeoutType())
	require.Equal(t, shared.DecisionTaskTimedOutCauseReset, timedOut.GetCause())
	require.Equal(t, run.GetRunID(), timedOut.GetBaseRunId())
}
