// worker_options_test.go checks what options of a worker do to the work it gets: rates, places, stops; and runs too long or too large for one answer.
package compat

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

// runAtOnce is a workflow that runs n activities at once and waits for all.
func runAtOnce(ctx workflow.Context, n int) error {
	var futures []workflow.Future
	for i := range n {
		futures = append(futures, workflow.ExecuteActivity(activities(ctx), "work", i))
	}
	for _, future := range futures {
		if err := future.Get(ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func TestConcurrentActivitiesAreBounded(t *testing.T) {
	s := newScenario(t)
	var running, most atomic.Int32
	s.activity("work", func(context.Context, int) error {
		now := running.Add(1)
		defer running.Add(-1)
		for seen := most.Load(); now > seen && !most.CompareAndSwap(seen, now); seen = most.Load() {
		}
		time.Sleep(50 * time.Millisecond)
		return nil
	})
	s.workflow("many", runAtOnce)
	s.startWorker(func(o *worker.Options) { o.MaxConcurrentActivityExecutionSize = 2 })
	run := s.start("many", 8)
	require.NoError(t, run.Get(s.ctx, nil))
	// The client counts what it got with a decision's answer on its own.
	require.LessOrEqual(t, most.Load(), int32(4))
}

// The rate of a task list holds at the server, for all workers of the list together.
func TestTaskListRateSlowsActivities(t *testing.T) {
	s := newScenario(t)
	s.activity("work", func(context.Context, int) error { return nil })
	s.workflow("many", runAtOnce)
	for range 2 {
		s.startWorker(func(o *worker.Options) { o.TaskListActivitiesPerSecond = 4 })
	}
	s.until("the list knows its rate", func() bool {
		list, err := s.client.DescribeTaskList(s.ctx, s.taskList, shared.TaskListTypeActivity)
		return err == nil && len(list.GetPollers()) == 2 && list.GetPollers()[0].GetRatePerSecond() == 4
	})
	before := time.Now()
	run := s.start("many", 14)
	require.NoError(t, run.Get(s.ctx, nil))
	require.Greater(t, time.Since(before), 1500*time.Millisecond, "14 activities at 4 a second, of which a burst is free")
}

func TestWorkerWithoutActivitiesLeavesThemToOthers(t *testing.T) {
	s := newScenario(t)
	s.activity("work", func(ctx context.Context, _ int) error { return nil })
	s.workflow("many", runAtOnce)
	s.startWorker(func(o *worker.Options) { o.DisableActivityWorker = true })
	run := s.start("many", 1)
	s.untilEvent(run, shared.EventTypeActivityTaskScheduled)
	require.Equal(t, shared.PendingActivityStateScheduled, s.describe(run).GetPendingActivities()[0].GetState())
	s.startWorker(func(o *worker.Options) { o.DisableWorkflowWorker = true })
	require.NoError(t, run.Get(s.ctx, nil))
	started := only(s, s.expectHistory(run, `Begin ActivityOK Decide Complete`), shared.EventTypeActivityTaskStarted)
	require.Equal(t, s.taskList+"-worker-2", started.ActivityTaskStartedEventAttributes.GetIdentity())
}

// A history of many pages comes to its worker with a token for the rest.
func TestLongHistoryReachesItsWorkerInPages(t *testing.T) {
	s := newScenario(t)
	const count = 2500
	s.workflow("counts", func(ctx workflow.Context) (seen int, err error) {
		for seen < count {
			workflow.GetSignalChannel(ctx, "word").Receive(ctx, nil)
			seen++
		}
		return seen, nil
	})
	run := s.start("counts")
	failed := make(chan error, 25)
	for range cap(failed) {
		go func() {
			var err error
			for i := 0; i < count/cap(failed) && err == nil; i++ {
				err = s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "word", i)
			}
			failed <- err
		}()
	}
	for range cap(failed) {
		require.NoError(t, <-failed)
	}
	s.startWorker(withoutCache)
	require.Equal(t, count, result[int](s, run))
	require.Len(t, s.history(run.GetID(), run.GetRunID()), count+5)
}

func TestPayloadsOverTheLimitAreRefused(t *testing.T) {
	s := newScenario(t)
	big := strings.Repeat("x", 3<<20)
	s.workflow("waits", func(ctx workflow.Context) (string, error) { return waitForWord(ctx), nil })
	s.startWorker()
	run := s.start("waits")
	requireBadRequest(s, "Blob data size exceeds limit.", s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "word", big))
	_, err := s.client.StartWorkflow(s.ctx, s.startOptions(), "waits", big)
	requireBadRequest(s, "Blob data size exceeds limit.", err)
	_, err = s.client.SignalWithStartWorkflow(s.ctx, run.GetID(), "word", big, s.startOptions(), "waits")
	requireBadRequest(s, "Blob data size exceeds limit.", err)
	s.signal(run, "word", "small")
	require.Equal(t, "small", result[string](s, run))
}

// An activity's result over the limit fails the activity, with a reason that says so.
func TestActivityResultOverTheLimitFailsTheActivity(t *testing.T) {
	s := newScenario(t)
	s.activity("work", func(context.Context, int) (string, error) { return strings.Repeat("x", 3<<20), nil })
	s.workflow("many", runAtOnce)
	s.startWorker()
	run := s.start("many", 1)
	require.Error(t, run.Get(s.ctx, nil))
	failed := only(s, s.expectHistory(run, `Begin ActivityTaskScheduled ActivityTaskStarted ActivityTaskFailed Decide WorkflowExecutionFailed`), shared.EventTypeActivityTaskFailed)
	require.Equal(t, "COMPLETE_RESULT_EXCEEDS_LIMIT", failed.ActivityTaskFailedEventAttributes.GetReason())
}
