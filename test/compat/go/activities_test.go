package compat

import (
	"bytes"
	"context"
	"errors"
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

func retrying(policy cadence.RetryPolicy) func(*workflow.ActivityOptions) {
	return func(o *workflow.ActivityOptions) { o.RetryPolicy = &policy }
}

func TestActivityOnce(t *testing.T) {
	s := newScenario(t)
	s.activity("greet", func(_ context.Context, name string) (string, error) { return "hello " + name, nil })
	s.workflow("greeting", func(ctx workflow.Context, name string) (greeting string, err error) {
		err = workflow.ExecuteActivity(activities(ctx), "greet", name).Get(ctx, &greeting)
		return greeting, err
	})
	s.startWorker()

	run := s.start("greeting", "world")
	require.Equal(t, "hello world", result[string](s, run))
	events := s.expectHistory(run, `Begin ActivityOK Decide Complete`)

	started := events[0].WorkflowExecutionStartedEventAttributes
	require.Equal(t, "greeting", started.GetWorkflowType().GetName())
	require.Equal(t, s.taskList, started.GetTaskList().GetName())
	require.Equal(t, run.GetRunID(), started.GetOriginalExecutionRunId())
	require.Equal(t, run.GetRunID(), started.GetFirstExecutionRunId())
	require.Equal(t, int32(workflowTimeout/time.Second), started.GetExecutionStartToCloseTimeoutSeconds())
	require.Equal(t, int32(decisionTimeout/time.Second), started.GetTaskStartToCloseTimeoutSeconds())
	require.Equal(t, "compat-client", started.GetIdentity())
	require.JSONEq(t, `"world"`, string(started.GetInput()))

	scheduled := only(s, events, activityScheduled).ActivityTaskScheduledEventAttributes
	require.Equal(t, "greet", scheduled.GetActivityType().GetName())
	require.Equal(t, int32(10), scheduled.GetScheduleToStartTimeoutSeconds())
	require.Equal(t, int32(10), scheduled.GetStartToCloseTimeoutSeconds())
	require.Equal(t, int32(20), scheduled.GetScheduleToCloseTimeoutSeconds(), "sum of the other two")
	require.NoError(t, s.replay(events))
}

func TestActivityManyInSequence(t *testing.T) {
	s := newScenario(t)
	s.activity("increment", func(_ context.Context, n int) (int, error) { return n + 1, nil })
	s.workflow("count", func(ctx workflow.Context, steps int) (n int, err error) {
		for range steps {
			if err = workflow.ExecuteActivity(activities(ctx), "increment", n).Get(ctx, &n); err != nil {
				return 0, err
			}
		}
		return n, nil
	})
	s.startWorker()

	run := s.start("count", 5)
	require.Equal(t, 5, result[int](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin (ActivityOK Decide){5} Complete`)))
}

func TestActivityParallel(t *testing.T) {
	s := newScenario(t)
	s.activity("square", func(_ context.Context, n int) (int, error) { return n * n, nil })
	s.workflow("sum", func(ctx workflow.Context, n int) (total int, err error) {
		futures := make([]workflow.Future, n)
		for i := range futures {
			futures[i] = workflow.ExecuteActivity(activities(ctx), "square", i)
		}
		for _, future := range futures {
			var value int
			if err = future.Get(ctx, &value); err != nil {
				return 0, err
			}
			total += value
		}
		return total, nil
	})
	s.startWorker()

	run := s.start("sum", 10)
	require.Equal(t, 285, result[int](s, run))
	// Starts, ends and decisions interleave as the workers answer; the scheduling and the end do not.
	events := s.expectHistory(run, `Begin (ActivityTaskScheduled ActivityTaskStarted?){10}
		(ActivityTaskStarted|ActivityTaskCompleted|DecisionTaskScheduled|DecisionTaskStarted|DecisionTaskCompleted)*
		DecisionTaskCompleted Complete`)
	require.Len(t, ofType(events, shared.EventTypeActivityTaskCompleted), 10)
	require.Len(t, ofType(events, activityStarted), 10)
	require.NoError(t, s.replay(events))
}

func TestActivityRetriesUntilSuccess(t *testing.T) {
	s := newScenario(t)
	attempts := atomic.Int32{}
	s.activity("flaky", func(ctx context.Context) (int32, error) {
		if attempts.Add(1) < 3 {
			return 0, cadence.NewCustomError("try again", attempts.Load())
		}
		return activity.GetInfo(ctx).Attempt, nil
	})
	s.workflow("retry", func(ctx workflow.Context) (attempt int32, err error) {
		options := activities(ctx, retrying(cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 5}))
		err = workflow.ExecuteActivity(options, "flaky").Get(ctx, &attempt)
		return attempt, err
	})
	s.startWorker()

	run := s.start("retry")
	s.until("the first attempt has failed", func() bool { return attempts.Load() > 0 })
	// Attempts leave no trace in the history while the activity is open.
	s.expectHistory(run, `Begin ActivityTaskScheduled`)
	pending := s.describe(run).GetPendingActivities()
	require.Len(t, pending, 1)
	require.Equal(t, int32(5), pending[0].GetMaximumAttempts())

	require.Equal(t, int32(2), result[int32](s, run))
	events := s.expectHistory(run, `Begin ActivityOK Decide Complete`)
	started := only(s, events, activityStarted).ActivityTaskStartedEventAttributes
	require.Equal(t, int32(2), started.GetAttempt())
	require.Equal(t, "try again", started.GetLastFailureReason())
	require.JSONEq(t, "2", string(started.GetLastFailureDetails()))
}

func TestActivityRetriesExhausted(t *testing.T) {
	s := newScenario(t)
	attempts := atomic.Int32{}
	s.activity("broken", func(context.Context) error {
		return cadence.NewCustomError("broken", attempts.Add(1))
	})
	s.workflow("retry", func(ctx workflow.Context) error {
		options := activities(ctx, retrying(cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 2}))
		return workflow.ExecuteActivity(options, "broken").Get(ctx, nil)
	})
	s.startWorker()

	run := s.start("retry")
	require.Equal(t, "broken", failure[*cadence.CustomError](s, run).Reason())
	require.Equal(t, int32(2), attempts.Load())
	events := s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide WorkflowExecutionFailed`)
	require.Equal(t, int32(1), only(s, events, activityStarted).ActivityTaskStartedEventAttributes.GetAttempt())
}

func TestActivityNonRetryableReason(t *testing.T) {
	s := newScenario(t)
	attempts := atomic.Int32{}
	s.activity("fatal", func(context.Context) error {
		attempts.Add(1)
		return cadence.NewCustomError("fatal")
	})
	s.workflow("retry", func(ctx workflow.Context) error {
		options := activities(ctx, retrying(cadence.RetryPolicy{
			InitialInterval: time.Second, MaximumAttempts: 5, NonRetriableErrorReasons: []string{"fatal"},
		}))
		return workflow.ExecuteActivity(options, "fatal").Get(ctx, nil)
	})
	s.startWorker()

	run := s.start("retry")
	require.Equal(t, "fatal", failure[*cadence.CustomError](s, run).Reason())
	require.Equal(t, int32(1), attempts.Load())
	s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide WorkflowExecutionFailed`)
}

func TestActivityErrors(t *testing.T) {
	s := newScenario(t)
	type detail struct{ Code int }
	s.activity("custom", func(context.Context) error { return cadence.NewCustomError("no stock", detail{42}, "left") })
	s.activity("generic", func(context.Context) error { return errors.New("plain") })
	s.activity("panic", func(context.Context) error { panic("boom") })
	s.workflow("fail", func(ctx workflow.Context, name string) error {
		return workflow.ExecuteActivity(activities(ctx), name).Get(ctx, nil)
	})
	s.startWorker()
	const pattern = `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide WorkflowExecutionFailed`

	run := s.start("fail", "custom")
	custom := failure[*cadence.CustomError](s, run)
	var got detail
	var word string
	require.NoError(t, custom.Details(&got, &word))
	require.Equal(t, detail{42}, got)
	require.Equal(t, "left", word)
	events := s.expectHistory(run, pattern)
	require.Equal(t, "no stock", only(s, events, shared.EventTypeActivityTaskFailed).ActivityTaskFailedEventAttributes.GetReason())

	run = s.start("fail", "generic")
	require.EqualError(t, failure[*workflow.GenericError](s, run), "plain")
	events = s.expectHistory(run, pattern)
	require.Equal(t, "cadenceInternal:Generic", last(events).WorkflowExecutionFailedEventAttributes.GetReason())

	run = s.start("fail", "panic")
	require.Contains(t, run.Get(s.ctx, nil).Error(), "boom")
	events = s.expectHistory(run, pattern)
	require.Equal(t, "cadenceInternal:Panic", only(s, events, shared.EventTypeActivityTaskFailed).ActivityTaskFailedEventAttributes.GetReason())
}

func TestActivityLargeInput(t *testing.T) {
	s := newScenario(t)
	s.activity("size", func(_ context.Context, data []byte) (int, error) { return len(data), nil })
	s.workflow("large", func(ctx workflow.Context, size int) (n int, err error) {
		err = workflow.ExecuteActivity(activities(ctx), "size", bytes.Repeat([]byte{7}, size)).Get(ctx, &n)
		return n, err
	})
	s.startWorker()

	const size = 1 << 20
	run := s.start("large", size)
	require.Equal(t, size, result[int](s, run))
	s.expectHistory(run, `Begin ActivityOK Decide Complete`)
}

func TestActivityInputOverLimitFailsWorkflow(t *testing.T) {
	s := newScenario(t)
	s.workflow("huge", func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(activities(ctx), "never", bytes.Repeat([]byte{7}, 2<<20+1)).Get(ctx, nil)
	})
	s.startWorker()

	run := s.start("huge")
	require.Error(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin WorkflowExecutionFailed`)
	require.Equal(t, "DECISION_BLOB_SIZE_EXCEEDS_LIMIT", last(events).WorkflowExecutionFailedEventAttributes.GetReason())
}

func TestActivityOnSeparateWorker(t *testing.T) {
	s := newScenario(t)
	s.activity("where", func(ctx context.Context) (string, error) { return activity.GetInfo(ctx).TaskList, nil })
	s.workflow("route", func(ctx workflow.Context) (where string, err error) {
		err = workflow.ExecuteActivity(activities(ctx), "where").Get(ctx, &where)
		return where, err
	})
	s.startWorker(func(o *worker.Options) { o.DisableWorkflowWorker = true })
	s.startWorker(func(o *worker.Options) { o.DisableActivityWorker = true })

	run := s.start("route")
	require.Equal(t, s.taskList, result[string](s, run))
	events := s.expectHistory(run, `Begin ActivityOK Decide Complete`)
	require.Equal(t, s.taskList+"-worker-1", only(s, events, activityStarted).ActivityTaskStartedEventAttributes.GetIdentity())
	require.Equal(t, s.taskList+"-worker-2", only(s, events[:4], decisionStarted).DecisionTaskStartedEventAttributes.GetIdentity())
}
