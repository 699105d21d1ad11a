package compat

import (
	"context"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	apiv1 "github.com/uber/cadence-idl/go/proto/api/v1"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

func TestContinueAsNew(t *testing.T) {
	s := newScenario(t)
	s.workflow("countdown", func(ctx workflow.Context, left int) (string, error) {
		if left > 0 {
			return "", workflow.NewContinueAsNewError(ctx, "countdown", left-1)
		}
		return "liftoff", nil
	})
	s.startWorker()
	run := s.start("countdown", 2)
	require.Equal(t, "liftoff", result[string](s, run), "the result is that of the last run of the chain")

	first, runID := run.GetRunID(), run.GetRunID()
	for range 2 {
		events := s.expectRun(run.GetID(), runID, `Begin WorkflowExecutionContinuedAsNew`)
		continued := last(events).WorkflowExecutionContinuedAsNewEventAttributes
		require.Equal(t, shared.ContinueAsNewInitiatorDecider, continued.GetInitiator())
		require.NotEqual(t, runID, continued.GetNewExecutionRunId())
		next := s.rawHistory(run.GetID(), continued.GetNewExecutionRunId())[0].WorkflowExecutionStartedEventAttributes
		require.Equal(t, runID, next.GetContinuedExecutionRunId())
		require.Equal(t, first, next.GetFirstExecutionRunId())
		require.Equal(t, shared.ContinueAsNewInitiatorDecider, next.GetInitiator())
		runID = continued.GetNewExecutionRunId()
	}
	s.expectRun(run.GetID(), runID, `Begin Complete`)
}

func TestCron(t *testing.T) {
	s := newScenario(t)
	s.workflow("tick", func(ctx workflow.Context) (int, error) {
		count := 0
		if workflow.HasLastCompletionResult(ctx) {
			if err := workflow.GetLastCompletionResult(ctx, &count); err != nil {
				return 0, err
			}
		}
		return count + 1, nil
	})
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.CronSchedule = "@every 2s" }), "tick")

	runID := run.GetRunID()
	for count := 1; count <= 2; count++ {
		current := s.client.GetWorkflow(s.ctx, run.GetID(), runID)
		s.untilEvent(current, shared.EventTypeWorkflowExecutionContinuedAsNew)
		events := s.expectRun(run.GetID(), runID, `Begin WorkflowExecutionContinuedAsNew`)
		require.Equal(t, "@every 2s", events[0].WorkflowExecutionStartedEventAttributes.GetCronSchedule())
		continued := last(events).WorkflowExecutionContinuedAsNewEventAttributes
		require.Equal(t, shared.ContinueAsNewInitiatorCronSchedule, continued.GetInitiator())
		require.JSONEq(t, []string{"", "1", "2"}[count], string(continued.GetLastCompletionResult()))
		require.InDelta(t, 2, continued.GetBackoffStartIntervalInSeconds(), 1)
		runID = continued.GetNewExecutionRunId()
	}
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), "", "enough", nil))
	s.until("the cron workflow is closed", func() bool {
		described, err := s.client.DescribeWorkflowExecution(s.ctx, run.GetID(), "")
		return err == nil && described.GetWorkflowExecutionInfo().CloseStatus != nil
	})
}

func TestWorkflowRetryPolicy(t *testing.T) {
	s := newScenario(t)
	s.workflow("flaky", func(ctx workflow.Context) (int32, error) {
		if attempt := workflow.GetInfo(ctx).Attempt; attempt >= 2 {
			return attempt, nil
		}
		return 0, cadence.NewCustomError("not yet", "details")
	})
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.RetryPolicy = &cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 3}
	}), "flaky")
	require.Equal(t, int32(2), result[int32](s, run))

	runID := run.GetRunID()
	for attempt := range int32(2) {
		events := s.expectRun(run.GetID(), runID, `Begin WorkflowExecutionContinuedAsNew`)
		require.Equal(t, attempt, events[0].WorkflowExecutionStartedEventAttributes.GetAttempt())
		continued := last(events).WorkflowExecutionContinuedAsNewEventAttributes
		require.Equal(t, shared.ContinueAsNewInitiatorRetryPolicy, continued.GetInitiator())
		require.Equal(t, "not yet", continued.GetFailureReason())
		require.Equal(t, int32(1), continued.GetBackoffStartIntervalInSeconds())
		runID = continued.GetNewExecutionRunId()
	}
	s.expectRun(run.GetID(), runID, `Begin Complete`)
}

func TestWorkflowRetryPolicyExhausted(t *testing.T) {
	s := newScenario(t)
	s.workflow("broken", func(workflow.Context) error { return cadence.NewCustomError("broken") })
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.RetryPolicy = &cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 2}
	}), "broken")
	require.Equal(t, "broken", failure[*cadence.CustomError](s, run).Reason())
	events := s.expectHistory(run, `Begin WorkflowExecutionContinuedAsNew`)
	s.expectRun(run.GetID(), last(events).WorkflowExecutionContinuedAsNewEventAttributes.GetNewExecutionRunId(), `Begin WorkflowExecutionFailed`)
}

func TestWorkflowTimeout(t *testing.T) {
	s := newScenario(t)
	s.workflow("sleep", sleepLong)
	s.startWorker()
	short := s.startOptions(func(o *client.StartWorkflowOptions) { o.ExecutionStartToCloseTimeout = 2 * time.Second })
	run := s.startWith(short, "sleep")
	requireTimeout(s, run.Get(s.ctx, nil), shared.TimeoutTypeStartToClose)
	events := s.expectHistory(run, `Begin TimerStarted WorkflowExecutionTimedOut`)
	require.Equal(t, shared.TimeoutTypeStartToClose, last(events).WorkflowExecutionTimedOutEventAttributes.GetTimeoutType())
	require.Equal(t, shared.WorkflowExecutionCloseStatusTimedOut, s.describe(run).GetWorkflowExecutionInfo().GetCloseStatus())
}

func TestWorkflowTimeoutWithoutWorker(t *testing.T) {
	s := newScenario(t)
	short := s.startOptions(func(o *client.StartWorkflowOptions) { o.ExecutionStartToCloseTimeout = time.Second })
	run := s.startWith(short, "nobody")
	requireTimeout(s, run.Get(s.ctx, nil), shared.TimeoutTypeStartToClose)
	s.expectHistory(run, `WorkflowExecutionStarted DecisionTaskScheduled WorkflowExecutionTimedOut`)
}

func TestDelayedStart(t *testing.T) {
	s := newScenario(t)
	s.workflow("plain", func(workflow.Context) error { return nil })
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.DelayStart = 2 * time.Second }), "plain")
	events := s.expectHistory(run, `WorkflowExecutionStarted`)
	require.Equal(t, int32(2), events[0].WorkflowExecutionStartedEventAttributes.GetFirstDecisionTaskBackoffSeconds())
	require.NoError(t, run.Get(s.ctx, nil))
	events = s.expectHistory(run, `Begin Complete`)
	require.GreaterOrEqual(t, events[1].GetTimestamp()-events[0].GetTimestamp(), int64(1900*time.Millisecond))
}

func TestSignalDuringDelayDoesNotStartDecision(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.DelayStart = 2 * time.Second }), "collect", 1)
	s.signal(run, "number", 8)
	s.expectHistory(run, `WorkflowExecutionStarted WorkflowExecutionSignaled`)
	require.Equal(t, []int{8}, result[[]int](s, run))
	s.expectHistory(run, `WorkflowExecutionStarted WorkflowExecutionSignaled Decide Complete`)
}

func TestFirstRunAt(t *testing.T) {
	s := newScenario(t)
	s.workflow("plain", func(workflow.Context) error { return nil })
	s.startWorker()
	at := time.Now().Add(2 * time.Second)
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.FirstRunAt = at }), "plain")
	require.NoError(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin Complete`)
	require.InDelta(t, at.UnixNano(), events[1].GetTimestamp(), float64(1500*time.Millisecond))
}

// cancel asks by protobuf: the Go client's adapter loses the cause on the way to the server.
func cancel(s *scenario, run client.WorkflowRun, cause string) {
	s.Helper()
	ctx, done := s.call()
	defer done()
	_, err := protoWorkflow.RequestCancelWorkflowExecution(ctx, &apiv1.RequestCancelWorkflowExecutionRequest{
		Domain:            domain,
		WorkflowExecution: &apiv1.WorkflowExecution{WorkflowId: run.GetID(), RunId: run.GetRunID()},
		Identity:          "compat-client",
		RequestId:         uuid.New(),
		Cause:             cause,
	})
	require.NoError(s, err)
}

func TestCancelWithCleanup(t *testing.T) {
	s := newScenario(t)
	s.activity("cleanup", func(context.Context) error { return nil })
	s.workflow("tidy", func(ctx workflow.Context) error {
		err := workflow.Sleep(ctx, time.Minute)
		if cadence.IsCanceledError(err) {
			cleanupCtx, _ := workflow.NewDisconnectedContext(ctx)
			if failed := workflow.ExecuteActivity(activities(cleanupCtx), "cleanup").Get(cleanupCtx, nil); failed != nil {
				return failed
			}
		}
		return err
	})
	s.startWorker()
	run := s.start("tidy")
	s.untilEvent(run, shared.EventTypeTimerStarted)
	cancel(s, run, "user left")
	failure[*cadence.CanceledError](s, run)
	events := s.expectHistory(run, `Begin TimerStarted WorkflowExecutionCancelRequested Decide
		(TimerCanceled ActivityTaskScheduled|ActivityTaskScheduled TimerCanceled) ActivityTaskStarted ActivityTaskCompleted
		Decide WorkflowExecutionCanceled`)
	requested := only(s, events, shared.EventTypeWorkflowExecutionCancelRequested).WorkflowExecutionCancelRequestedEventAttributes
	require.Equal(t, "user left", requested.GetCause())
	require.Equal(t, shared.WorkflowExecutionCloseStatusCanceled, s.describe(run).GetWorkflowExecutionInfo().GetCloseStatus())
}

func TestCancelTwiceAndClosed(t *testing.T) {
	s := newScenario(t)
	s.workflow("sleep", sleepLong)
	run := s.start("sleep")
	require.NoError(t, s.client.CancelWorkflow(s.ctx, run.GetID(), run.GetRunID()))
	err := s.client.CancelWorkflow(s.ctx, run.GetID(), run.GetRunID())
	require.IsType(t, &shared.CancellationAlreadyRequestedError{}, err)
	s.startWorker()
	failure[*cadence.CanceledError](s, run)
	s.expectHistory(run, `WorkflowExecutionStarted DecisionTaskScheduled WorkflowExecutionCancelRequested
		DecisionTaskStarted DecisionTaskCompleted WorkflowExecutionCanceled`)
	err = s.client.CancelWorkflow(s.ctx, run.GetID(), run.GetRunID())
	require.IsType(t, &shared.EntityNotExistsError{}, err)
}

func TestCancelIgnoredByWorkflow(t *testing.T) {
	s := newScenario(t)
	s.workflow("stubborn", func(ctx workflow.Context) (string, error) {
		if cadence.IsCanceledError(workflow.Sleep(ctx, time.Minute)) {
			return "finished anyway", nil
		}
		return "", nil
	})
	s.startWorker()
	run := s.start("stubborn")
	s.untilEvent(run, shared.EventTypeTimerStarted)
	require.NoError(t, s.client.CancelWorkflow(s.ctx, run.GetID(), ""))
	require.Equal(t, "finished anyway", result[string](s, run))
	s.expectHistory(run, `Begin TimerStarted WorkflowExecutionCancelRequested Decide TimerCanceled Complete`)
}

// A workflow that fails or continues as new after a cancel request ends as canceled.
func TestFailureAfterCancelRequest(t *testing.T) {
	s := newScenario(t)
	s.workflow("clumsy", func(ctx workflow.Context, again bool) error {
		_ = workflow.Sleep(ctx, time.Minute)
		if again {
			return workflow.NewContinueAsNewError(ctx, "clumsy", again)
		}
		return cadence.NewCustomError("while cancelling")
	})
	s.startWorker()
	for _, again := range []bool{false, true} {
		run := s.start("clumsy", again)
		s.untilEvent(run, shared.EventTypeTimerStarted)
		require.NoError(t, s.client.CancelWorkflow(s.ctx, run.GetID(), ""))
		failure[*cadence.CanceledError](s, run)
		s.expectHistory(run, `Begin TimerStarted WorkflowExecutionCancelRequested Decide TimerCanceled WorkflowExecutionCanceled`)
	}
}

func TestTerminate(t *testing.T) {
	s := newScenario(t)
	s.workflow("sleep", sleepLong)
	s.startWorker()
	run := s.start("sleep")
	s.untilEvent(run, shared.EventTypeTimerStarted)
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), run.GetRunID(), "why not", []byte("details")))
	failure[*workflow.TerminatedError](s, run)
	attributes := last(s.expectHistory(run, `Begin TimerStarted WorkflowExecutionTerminated`)).WorkflowExecutionTerminatedEventAttributes
	require.Equal(t, "why not", attributes.GetReason())
	require.Equal(t, "details", string(attributes.GetDetails()))
	require.Equal(t, "compat-client", attributes.GetIdentity())
	require.IsType(t, &shared.EntityNotExistsError{}, s.client.TerminateWorkflow(s.ctx, run.GetID(), run.GetRunID(), "again", nil))
}
