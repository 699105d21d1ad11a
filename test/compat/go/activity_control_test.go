package compat

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/activity"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

// runActivity is a workflow that runs one activity with the given options and returns its error.
func runActivity(name string, adjust ...func(*workflow.ActivityOptions)) func(workflow.Context) error {
	return func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(activities(ctx, adjust...), name).Get(ctx, nil)
	}
}

// blockUntilDone keeps an activity running until its worker, its deadline or its cancellation ends it.
func blockUntilDone(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func requireTimeout(s *scenario, err error, kind shared.TimeoutType) *workflow.TimeoutError {
	s.Helper()
	timeout, ok := err.(*workflow.TimeoutError)
	require.Truef(s, ok, "want a timeout, got %T: %v", err, err)
	require.Equal(s, kind, timeout.TimeoutType())
	return timeout
}

func TestHeartbeatDetailsReachNextAttempt(t *testing.T) {
	s := newScenario(t)
	s.activity("resume", func(ctx context.Context) (int, error) {
		if activity.HasHeartbeatDetails(ctx) {
			var progress int
			err := activity.GetHeartbeatDetails(ctx, &progress)
			return progress, err
		}
		activity.RecordHeartbeat(ctx, 17)
		return 0, cadence.NewCustomError("retry me")
	})
	s.workflow("run", func(ctx workflow.Context) (progress int, err error) {
		options := activities(ctx,
			retrying(cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 3}),
			func(o *workflow.ActivityOptions) { o.HeartbeatTimeout = 5 * time.Second })
		err = workflow.ExecuteActivity(options, "resume").Get(ctx, &progress)
		return progress, err
	})
	s.startWorker()

	run := s.start("run")
	require.Equal(t, 17, result[int](s, run))
	events := s.expectHistory(run, `Begin ActivityOK Decide Complete`)
	require.Equal(t, int32(1), only(s, events, activityStarted).ActivityTaskStartedEventAttributes.GetAttempt())
}

func TestHeartbeatTimeout(t *testing.T) {
	s := newScenario(t)
	s.activity("silent", func(ctx context.Context) error {
		activity.RecordHeartbeat(ctx, "last words")
		<-time.After(4 * time.Second)
		return nil
	})
	s.workflow("run", runActivity("silent", func(o *workflow.ActivityOptions) { o.HeartbeatTimeout = time.Second }))
	s.startWorker()

	run := s.start("run")
	timeout := requireTimeout(s, run.Get(s.ctx, nil), shared.TimeoutTypeHeartbeat)
	var words string
	require.NoError(t, timeout.Details(&words))
	require.Equal(t, "last words", words)
	events := s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskTimedOut Decide WorkflowExecutionFailed`)
	attributes := only(s, events, shared.EventTypeActivityTaskTimedOut).ActivityTaskTimedOutEventAttributes
	require.Equal(t, shared.TimeoutTypeHeartbeat, attributes.GetTimeoutType())
	require.JSONEq(t, `"last words"`, string(attributes.GetDetails()))
	require.Equal(t, "cadenceInternal:Timeout HEARTBEAT", last(events).WorkflowExecutionFailedEventAttributes.GetReason())
}

func TestHeartbeatTimeoutRetries(t *testing.T) {
	s := newScenario(t)
	attempts := atomic.Int32{}
	s.activity("silentOnce", func(ctx context.Context) error {
		if attempts.Add(1) == 1 {
			<-time.After(3 * time.Second)
		}
		return nil
	})
	s.workflow("run", runActivity("silentOnce",
		func(o *workflow.ActivityOptions) { o.HeartbeatTimeout = time.Second },
		retrying(cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 3})))
	s.startWorker()

	run := s.start("run")
	require.NoError(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin ActivityOK Decide Complete`)
	started := only(s, events, activityStarted).ActivityTaskStartedEventAttributes
	require.Equal(t, int32(1), started.GetAttempt())
	require.Equal(t, "cadenceInternal:Timeout HEARTBEAT", started.GetLastFailureReason())
}

func TestActivityStartToCloseTimeout(t *testing.T) {
	s := newScenario(t)
	s.activity("slow", blockUntilDone)
	s.workflow("run", runActivity("slow", func(o *workflow.ActivityOptions) { o.StartToCloseTimeout = time.Second }))
	s.startWorker()

	run := s.start("run")
	requireTimeout(s, run.Get(s.ctx, nil), shared.TimeoutTypeStartToClose)
	events := s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskTimedOut Decide WorkflowExecutionFailed`)
	attributes := only(s, events, shared.EventTypeActivityTaskTimedOut).ActivityTaskTimedOutEventAttributes
	require.Equal(t, only(s, events, activityStarted).GetEventId(), attributes.GetStartedEventId())
}

func TestActivityScheduleToStartTimeout(t *testing.T) {
	s := newScenario(t)
	s.workflow("run", runActivity("nobody", func(o *workflow.ActivityOptions) {
		o.TaskList = s.taskList + "-unpolled"
		o.ScheduleToStartTimeout = time.Second
	}))
	s.startWorker()

	run := s.start("run")
	requireTimeout(s, run.Get(s.ctx, nil), shared.TimeoutTypeScheduleToStart)
	events := s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskTimedOut Decide WorkflowExecutionFailed`)
	attributes := only(s, events, shared.EventTypeActivityTaskTimedOut).ActivityTaskTimedOutEventAttributes
	require.Less(t, attributes.GetStartedEventId(), int64(0), "never started")
}

func TestActivityScheduleToCloseTimeout(t *testing.T) {
	s := newScenario(t)
	s.activity("slow", blockUntilDone)
	s.workflow("run", runActivity("slow", func(o *workflow.ActivityOptions) {
		o.ScheduleToCloseTimeout = time.Second
		o.StartToCloseTimeout = 10 * time.Second
	}))
	s.startWorker()

	run := s.start("run")
	require.Error(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskTimedOut Decide WorkflowExecutionFailed`)
	attributes := only(s, events, shared.EventTypeActivityTaskTimedOut).ActivityTaskTimedOutEventAttributes
	require.Equal(t, shared.TimeoutTypeScheduleToClose, attributes.GetTimeoutType())
}

// cancelActivity starts an activity, cancels it when told by a signal, and returns what the activity returned.
func cancelActivity(wait bool) func(workflow.Context) (string, error) {
	return func(ctx workflow.Context) (string, error) {
		activityCtx, cancel := workflow.WithCancel(activities(ctx, func(o *workflow.ActivityOptions) {
			o.WaitForCancellation = wait
			o.HeartbeatTimeout = 5 * time.Second
		}))
		future := workflow.ExecuteActivity(activityCtx, "cancellable")
		workflow.GetSignalChannel(ctx, "cancel").Receive(ctx, nil)
		cancel()
		err := future.Get(ctx, nil)
		if cadence.IsCanceledError(err) {
			var details string
			if canceled := err.(*cadence.CanceledError); canceled.HasDetails() {
				_ = canceled.Details(&details)
			}
			return "canceled:" + details, nil
		}
		return "", err
	}
}

func TestActivityCancelWaiting(t *testing.T) {
	s := newScenario(t)
	s.activity("cancellable", func(ctx context.Context) error {
		for ctx.Err() == nil {
			activity.RecordHeartbeat(ctx)
			time.Sleep(100 * time.Millisecond)
		}
		return cadence.NewCanceledError("cleaned up")
	})
	s.workflow("run", cancelActivity(true))
	s.startWorker()

	run := s.start("run")
	s.untilEvent(run, activityStarted)
	s.signal(run, "cancel", nil)
	require.Equal(t, "canceled:cleaned up", result[string](s, run))
	events := s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted WorkflowExecutionSignaled Decide
		ActivityTaskCancelRequested ActivityTaskCanceled Decide Complete`)
	canceled := only(s, events, shared.EventTypeActivityTaskCanceled).ActivityTaskCanceledEventAttributes
	require.Equal(t, only(s, events, shared.EventTypeActivityTaskCancelRequested).GetEventId(), canceled.GetLatestCancelRequestedEventId())
	require.NoError(t, s.replay(events))
}

func TestActivityCancelWithoutWaiting(t *testing.T) {
	s := newScenario(t)
	s.activity("cancellable", func(ctx context.Context) error {
		for ctx.Err() == nil {
			activity.RecordHeartbeat(ctx)
			time.Sleep(100 * time.Millisecond)
		}
		return ctx.Err()
	})
	s.workflow("run", cancelActivity(false))
	s.startWorker()

	run := s.start("run")
	s.untilEvent(run, activityStarted)
	s.signal(run, "cancel", nil)
	require.Equal(t, "canceled:", result[string](s, run))
	s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted WorkflowExecutionSignaled Decide ActivityTaskCancelRequested Complete`)
}

func TestActivityCancelBeforeStart(t *testing.T) {
	s := newScenario(t)
	s.workflow("run", cancelActivity(true))
	s.startWorker(func(o *worker.Options) { o.DisableActivityWorker = true })

	run := s.start("run")
	s.untilEvent(run, activityScheduled)
	s.signal(run, "cancel", nil)
	require.Contains(t, result[string](s, run), "canceled:")
	events := s.expectHistory(run, `Begin ActivityTaskScheduled WorkflowExecutionSignaled Decide
		ActivityTaskCancelRequested ActivityTaskCanceled Decide Complete`)
	canceled := only(s, events, shared.EventTypeActivityTaskCanceled).ActivityTaskCanceledEventAttributes
	require.Equal(t, "ACTIVITY_ID_NOT_STARTED", string(canceled.GetDetails()))
}

func TestActivityCompletedByToken(t *testing.T) {
	s := newScenario(t)
	tokens := make(chan []byte, 1)
	s.activity("external", func(ctx context.Context) (string, error) {
		tokens <- activity.GetInfo(ctx).TaskToken
		return "", activity.ErrResultPending
	})
	s.workflow("run", func(ctx workflow.Context) (answer string, err error) {
		err = workflow.ExecuteActivity(activities(ctx), "external").Get(ctx, &answer)
		return answer, err
	})
	s.startWorker()

	run := s.start("run")
	token := <-tokens
	require.NoError(t, s.client.RecordActivityHeartbeat(s.ctx, token, "half"))
	require.NoError(t, s.client.CompleteActivity(s.ctx, token, "by token", nil))
	require.Equal(t, "by token", result[string](s, run))
	s.expectHistory(run, `Begin ActivityOK Decide Complete`)

	again := s.client.CompleteActivity(s.ctx, token, "twice", nil)
	require.IsType(t, &shared.EntityNotExistsError{}, again)
}

func TestActivityCompletedByID(t *testing.T) {
	s := newScenario(t)
	s.activity("external", func(context.Context) (string, error) { return "", activity.ErrResultPending })
	s.workflow("run", func(ctx workflow.Context) (answer string, err error) {
		err = workflow.ExecuteActivity(activities(ctx), "external").Get(ctx, &answer)
		return answer, err
	})
	s.startWorker()

	run := s.start("run")
	s.untilEvent(run, activityStarted)
	require.NoError(t, s.client.RecordActivityHeartbeatByID(s.ctx, domain, run.GetID(), run.GetRunID(), "0", "half"))
	unknown := s.client.CompleteActivityByID(s.ctx, domain, run.GetID(), run.GetRunID(), "77", nil, nil)
	require.Error(t, unknown)
	require.NoError(t, s.client.CompleteActivityByID(s.ctx, domain, run.GetID(), run.GetRunID(), "0", "by id", nil))
	require.Equal(t, "by id", result[string](s, run))
	s.expectHistory(run, `Begin ActivityOK Decide Complete`)
}

func TestActivityFailedByID(t *testing.T) {
	s := newScenario(t)
	s.activity("external", func(context.Context) error { return activity.ErrResultPending })
	s.workflow("run", runActivity("external"))
	s.startWorker()

	run := s.start("run")
	s.untilEvent(run, activityStarted)
	require.NoError(t, s.client.CompleteActivityByID(s.ctx, domain, run.GetID(), "", "0", nil, cadence.NewCustomError("refused", 5)))
	require.Equal(t, "refused", failure[*cadence.CustomError](s, run).Reason())
	s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide WorkflowExecutionFailed`)
}
