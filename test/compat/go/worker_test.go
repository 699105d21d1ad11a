package compat

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

func TestPanicInWorkflowBlocksDecision(t *testing.T) {
	s := newScenario(t)
	runs := atomic.Int32{}
	s.workflow("panics", func(workflow.Context) (string, error) {
		if runs.Add(1) == 1 {
			panic("bad deployment")
		}
		return "repaired", nil
	})
	s.startWorker()
	run := s.start("panics")
	require.Equal(t, "repaired", result[string](s, run))
	events := s.expectHistory(run, `WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed Decide Complete`)
	failed := only(s, events, shared.EventTypeDecisionTaskFailed).DecisionTaskFailedEventAttributes
	require.Equal(t, shared.DecisionTaskFailedCauseWorkflowWorkerUnhandledFailure, failed.GetCause())
	require.Contains(t, string(failed.GetDetails()), "bad deployment")
	require.Equal(t, int64(0), events[1].DecisionTaskScheduledEventAttributes.GetAttempt())
	require.Equal(t, int64(1), events[4].DecisionTaskScheduledEventAttributes.GetAttempt())
}

// The policy for nondeterminism does not reach panics: they block the decision all the same.
func TestPanicIsNoNondeterminism(t *testing.T) {
	s := newScenario(t)
	s.workflow("panics", func(workflow.Context) error { panic("bad deployment") })
	s.startWorker(func(o *worker.Options) {
		o.NonDeterministicWorkflowPolicy = worker.NonDeterministicWorkflowPolicyFailWorkflow
	})
	run := s.startWith(s.startOptions(), "panics")
	s.untilEvent(run, shared.EventTypeDecisionTaskFailed)
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), "", "end of test", nil))
	s.expectHistory(run, `WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed WorkflowExecutionTerminated`)
}

func TestStickyDisabledReplaysEveryDecision(t *testing.T) {
	s := newScenario(t)
	starts := atomic.Int32{}
	s.activity("noop", func(context.Context) error { return nil })
	s.workflow("steps", func(ctx workflow.Context) error {
		starts.Add(1)
		for range 3 {
			if err := workflow.ExecuteActivity(activities(ctx), "noop").Get(ctx, nil); err != nil {
				return err
			}
		}
		return nil
	})
	s.startWorker(func(o *worker.Options) { o.DisableStickyExecution = true })
	run := s.start("steps")
	require.NoError(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin (ActivityOK Decide){3} Complete`)
	require.Equal(t, int32(4), starts.Load(), "each decision replays the workflow from its start")
	for _, event := range ofType(events, decisionScheduled) {
		require.Equal(t, s.taskList, event.DecisionTaskScheduledEventAttributes.GetTaskList().GetName())
	}
}

func TestStickyUsesItsOwnTaskList(t *testing.T) {
	s := newScenario(t)
	s.workflow("sleep", func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Second) })
	s.startWorker()
	run := s.start("sleep")
	require.NoError(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin TimerStarted TimerFired Decide Complete`)
	lists := ofType(events, decisionScheduled)
	require.Equal(t, s.taskList, lists[0].DecisionTaskScheduledEventAttributes.GetTaskList().GetName())
	require.NotEqual(t, s.taskList, lists[1].DecisionTaskScheduledEventAttributes.GetTaskList().GetName())
}

func TestWorkerRestart(t *testing.T) {
	s := newScenario(t)
	s.options.StickyScheduleToStartTimeout = time.Second
	s.activity("noop", func(context.Context) error { return nil })
	s.workflow("survivor", func(ctx workflow.Context) (values []int, err error) {
		if err = workflow.ExecuteActivity(activities(ctx), "noop").Get(ctx, nil); err != nil {
			return nil, err
		}
		return collectSignals(ctx, 2)
	})
	stop := s.startWorker()
	run := s.start("survivor")
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	s.signal(run, "number", 1)
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 3)
	stop()
	s.signal(run, "number", 2)
	s.startWorker()
	require.Equal(t, []int{1, 2}, result[[]int](s, run))
	// The decision waits on the dead worker's sticky list until that times out, unless the server sees that nobody polls it.
	events := s.expectHistory(run, `Begin ActivityOK Decide WorkflowExecutionSignaled Decide WorkflowExecutionSignaled
		(DecisionTaskScheduled DecisionTaskStarted? DecisionTaskTimedOut)? Decide Complete`)
	require.NoError(t, s.replay(events))
}

func TestReplayDetectsNondeterminism(t *testing.T) {
	s := newScenario(t)
	s.activity("noop", func(context.Context) error { return nil })
	s.workflow("changing", func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(activities(ctx), "noop").Get(ctx, nil)
	})
	s.startWorker()
	run := s.start("changing")
	require.NoError(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin ActivityOK Decide Complete`)
	require.NoError(t, s.replay(events))
	s.workflow("changing", func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Second) })
	require.ErrorContains(t, s.replay(events), "nondeterministic workflow")
}

func TestTwoWorkersShareATaskList(t *testing.T) {
	s := newScenario(t)
	s.activity("echo", func(_ context.Context, n int) (int, error) { return n, nil })
	s.workflow("echo", func(ctx workflow.Context, n int) (m int, err error) {
		err = workflow.ExecuteActivity(activities(ctx), "echo", n).Get(ctx, &m)
		return m, err
	})
	s.startWorker()
	s.startWorker()
	const count = 20
	for i := range count {
		run := s.start("echo", i)
		require.Equal(t, i, result[int](s, run))
		s.expectHistory(run, `Begin ActivityOK Decide Complete`)
	}
}

func TestUnregisteredWorkflowTypeBlocks(t *testing.T) {
	s := newScenario(t)
	s.workflow("other", func(workflow.Context) error { return nil })
	s.startWorker()
	run := s.start("missing")
	events := s.untilEvent(run, shared.EventTypeDecisionTaskFailed)
	require.Contains(t, string(last(events).DecisionTaskFailedEventAttributes.GetDetails()), "unable to find workflow type")
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), "", "end of test", nil))
}

func TestSessionRunsActivitiesOnOneWorker(t *testing.T) {
	s := newScenario(t)
	s.activity("noop", func(context.Context) error { return nil })
	s.workflow("session", func(ctx workflow.Context) error {
		session, err := workflow.CreateSession(activities(ctx), &workflow.SessionOptions{CreationTimeout: 10 * time.Second, ExecutionTimeout: 20 * time.Second})
		if err != nil {
			return err
		}
		if err = workflow.ExecuteActivity(session, "noop").Get(session, nil); err != nil {
			return err
		}
		if err = workflow.ExecuteActivity(session, "noop").Get(session, nil); err != nil {
			return err
		}
		workflow.CompleteSession(session)
		waitForWord(ctx)
		return nil
	})
	s.startWorker(func(o *worker.Options) { o.EnableSessionWorker = true })
	run := s.start("session")
	// Two of its own, and those that open and close the session; the one that opened it ends after the session, which the run does not wait for by itself.
	s.untilEvents(run, shared.EventTypeActivityTaskCompleted, 4)
	s.signal(run, "word", "done")
	require.NoError(t, run.Get(s.ctx, nil))
	events := s.history(run.GetID(), run.GetRunID())
	require.Len(t, ofType(events, shared.EventTypeActivityTaskScheduled), 4, "two of its own, and those that open and close the session")
	require.Len(t, ofType(events, shared.EventTypeActivityTaskCompleted), 4)
	require.NoError(t, s.replay(events))
}
