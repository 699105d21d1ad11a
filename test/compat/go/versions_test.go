// versions_test.go changes code under runs that are open: workflow.GetVersion, and local activities that are retried.
package compat

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

func withoutCache(o *worker.Options) { o.DisableStickyExecution = true }

func waitForWord(ctx workflow.Context) (word string) {
	workflow.GetSignalChannel(ctx, "word").Receive(ctx, &word)
	return word
}

func TestCodeAddedToOpenRunGetsDefaultVersion(t *testing.T) {
	s := newScenario(t)
	s.workflow("changing", func(ctx workflow.Context) (workflow.Version, error) { waitForWord(ctx); return 0, nil })
	stop := s.startWorker(withoutCache)
	run := s.start("changing")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	stop()
	s.workflow("changing", func(ctx workflow.Context) (workflow.Version, error) {
		version := workflow.GetVersion(ctx, "added", workflow.DefaultVersion, 2)
		waitForWord(ctx)
		return version, nil
	})
	s.startWorker(withoutCache)
	s.signal(run, "word", "go")
	require.Equal(t, workflow.DefaultVersion, result[workflow.Version](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin WorkflowExecutionSignaled Decide Complete`)))
}

func TestOpenRunKeepsTheVersionItBeganWith(t *testing.T) {
	s := newScenario(t)
	code := func(highest workflow.Version) func(workflow.Context) (workflow.Version, error) {
		return func(ctx workflow.Context) (workflow.Version, error) {
			version := workflow.GetVersion(ctx, "change", workflow.DefaultVersion, highest)
			waitForWord(ctx)
			return version, nil
		}
	}
	s.workflow("changing", code(1))
	stop := s.startWorker(withoutCache)
	old := s.start("changing")
	s.untilEvent(old, shared.EventTypeDecisionTaskCompleted)
	stop()
	s.workflow("changing", code(2))
	s.startWorker(withoutCache)
	s.signal(old, "word", "go")
	require.Equal(t, workflow.Version(1), result[workflow.Version](s, old))
	fresh := s.start("changing")
	s.signal(fresh, "word", "go")
	require.Equal(t, workflow.Version(2), result[workflow.Version](s, fresh))
	s.expectHistory(old, `Begin MarkerRecorded UpsertWorkflowSearchAttributes WorkflowExecutionSignaled Decide Complete`)
}

func TestTwoChangesAreUpsertedTogether(t *testing.T) {
	s := newScenario(t)
	s.workflow("changed", func(ctx workflow.Context) error {
		workflow.GetVersion(ctx, "one", workflow.DefaultVersion, 1)
		workflow.GetVersion(ctx, "two", workflow.DefaultVersion, 5)
		return nil
	})
	s.startWorker()
	run := s.start("changed")
	require.NoError(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin (MarkerRecorded UpsertWorkflowSearchAttributes){2} Complete`)
	upsert := ofType(events, shared.EventTypeUpsertWorkflowSearchAttributes)[1].UpsertWorkflowSearchAttributesEventAttributes
	require.Contains(t, string(upsert.GetSearchAttributes().GetIndexedFields()["CadenceChangeVersion"]), `"two-5"`)
	fields := s.describe(run).GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()
	require.Contains(t, string(fields["CadenceChangeVersion"]), `"one-1"`)
}

// Code that no longer supports the version of an open run fails its decisions, and not the run.
func TestVersionThatIsNoLongerSupportedBlocksTheRun(t *testing.T) {
	s := newScenario(t)
	s.workflow("changing", func(ctx workflow.Context) error { waitForWord(ctx); return nil })
	stop := s.startWorker(withoutCache)
	run := s.start("changing")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	stop()
	s.workflow("changing", func(ctx workflow.Context) error {
		workflow.GetVersion(ctx, "required", 1, 2)
		waitForWord(ctx)
		return nil
	})
	s.startWorker(withoutCache)
	s.signal(run, "word", "go")
	events := s.untilEvent(run, shared.EventTypeDecisionTaskFailed)
	failed := ofType(events, shared.EventTypeDecisionTaskFailed)[0].DecisionTaskFailedEventAttributes
	require.Equal(t, shared.DecisionTaskFailedCauseWorkflowWorkerUnhandledFailure, failed.GetCause())
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), "", "end of test", nil))
}

func TestLocalActivityIsRetriedWithinItsDecision(t *testing.T) {
	s := newScenario(t)
	var calls atomic.Int32
	flaky := func(context.Context) (int32, error) {
		if n := calls.Add(1); n < 3 {
			return 0, errors.New("not yet")
		}
		return calls.Load(), nil
	}
	s.workflow("local", func(ctx workflow.Context) (n int32, err error) {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
			ScheduleToCloseTimeout: 5 * time.Second,
			RetryPolicy:            &cadence.RetryPolicy{InitialInterval: 50 * time.Millisecond, BackoffCoefficient: 1, MaximumAttempts: 5, ExpirationInterval: 5 * time.Second},
		})
		err = workflow.ExecuteLocalActivity(ctx, flaky).Get(ctx, &n)
		return n, err
	})
	s.startWorker()
	run := s.start("local")
	require.Equal(t, int32(3), result[int32](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin MarkerRecorded Complete`)))
}

// A retry that is due after the decision's end waits on a timer of the server.
func TestLocalActivityRetryOutlivesItsDecision(t *testing.T) {
	s := newScenario(t)
	var calls atomic.Int32
	flaky := func(context.Context) error {
		if calls.Add(1) < 2 {
			return errors.New("not yet")
		}
		return nil
	}
	s.workflow("local", func(ctx workflow.Context) error {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
			ScheduleToCloseTimeout: 20 * time.Second,
			RetryPolicy:            &cadence.RetryPolicy{InitialInterval: 3 * time.Second, BackoffCoefficient: 1, MaximumAttempts: 3, ExpirationInterval: 20 * time.Second},
		})
		return workflow.ExecuteLocalActivity(ctx, flaky).Get(ctx, nil)
	})
	s.startWorker()
	options := s.startOptions()
	options.DecisionTaskStartToCloseTimeout = 2 * time.Second
	run := s.startWith(options, "local")
	require.NoError(t, run.Get(s.ctx, nil))
	require.Equal(t, int32(2), calls.Load())
	s.expectHistory(run, `Begin MarkerRecorded TimerStarted TimerFired Decide MarkerRecorded Complete`)
}

func TestLocalActivityTimesOut(t *testing.T) {
	s := newScenario(t)
	slow := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	s.workflow("local", func(ctx workflow.Context) error {
		ctx = workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: time.Second})
		return workflow.ExecuteLocalActivity(ctx, slow).Get(ctx, nil)
	})
	s.startWorker()
	run := s.start("local")
	require.Error(t, run.Get(s.ctx, nil))
	s.expectHistory(run, `Begin MarkerRecorded WorkflowExecutionFailed`)
}
