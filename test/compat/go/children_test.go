package compat

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

// childEnds is the history of a parent that starts one child and waits for it. The child's end may come before or
// after the decision that its start caused.
func childEnds(event string) string {
	return strings.ReplaceAll(`Begin StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted DecisionTaskScheduled
		(DecisionTaskStarted DecisionTaskCompleted END Decide | END DecisionTaskStarted DecisionTaskCompleted) `, "END", event)
}

func children(ctx workflow.Context, id string, adjust ...func(*workflow.ChildWorkflowOptions)) workflow.Context {
	options := workflow.ChildWorkflowOptions{
		WorkflowID:                   id,
		ExecutionStartToCloseTimeout: 30 * time.Second,
		TaskStartToCloseTimeout:      decisionTimeout,
	}
	for _, apply := range adjust {
		apply(&options)
	}
	return workflow.WithChildOptions(ctx, options)
}

// runChild is a parent that runs one child and returns its error.
func runChild(name string, adjust ...func(*workflow.ChildWorkflowOptions)) func(workflow.Context, string) error {
	return func(ctx workflow.Context, id string) error {
		return workflow.ExecuteChildWorkflow(children(ctx, id, adjust...), name).Get(ctx, nil)
	}
}

func sleepLong(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Minute) }

func TestChildCompletes(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", func(_ workflow.Context, n int) (int, error) { return n * 2, nil })
	s.workflow("parent", func(ctx workflow.Context, id string) (n int, err error) {
		err = workflow.ExecuteChildWorkflow(children(ctx, id), "child", 4).Get(ctx, &n)
		return n, err
	})
	s.startWorker()
	id := "child-" + uuid.New()
	run := s.start("parent", id)
	require.Equal(t, 8, result[int](s, run))
	events := s.expectHistory(run, childEnds("ChildWorkflowExecutionCompleted")+"Complete")
	require.NoError(t, s.replay(events))
	childRun := only(s, events, childStarted).ChildWorkflowExecutionStartedEventAttributes.GetWorkflowExecution().GetRunId()
	childEvents := s.expectRun(id, childRun, `Begin Complete`)
	started := childEvents[0].WorkflowExecutionStartedEventAttributes
	require.Equal(t, run.GetID(), started.GetParentWorkflowExecution().GetWorkflowId())
	require.Equal(t, run.GetRunID(), started.GetParentWorkflowExecution().GetRunId())
	require.Equal(t, only(s, events, childInitiated).GetEventId(), started.GetParentInitiatedEventId())
	require.Equal(t, domain, started.GetParentWorkflowDomain())
	require.Equal(t, s.taskList, started.GetTaskList().GetName(), "inherited from the parent")
}

func TestChildFails(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", func(workflow.Context) error { return cadence.NewCustomError("child broke", 3) })
	s.workflow("parent", runChild("child"))
	s.startWorker()
	run := s.start("parent", "child-"+uuid.New())
	require.Equal(t, "child broke", failure[*cadence.CustomError](s, run).Reason())
	events := s.expectHistory(run, childEnds("ChildWorkflowExecutionFailed")+"WorkflowExecutionFailed")
	failed := only(s, events, shared.EventTypeChildWorkflowExecutionFailed).ChildWorkflowExecutionFailedEventAttributes
	require.Equal(t, "child broke", failed.GetReason())
}

func TestChildTimesOut(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", sleepLong)
	s.workflow("parent", runChild("child", func(o *workflow.ChildWorkflowOptions) { o.ExecutionStartToCloseTimeout = time.Second }))
	s.startWorker()
	run := s.start("parent", "child-"+uuid.New())
	requireTimeout(s, run.Get(s.ctx, nil), shared.TimeoutTypeStartToClose)
	s.expectHistory(run, childEnds("ChildWorkflowExecutionTimedOut")+"WorkflowExecutionFailed")
}

func TestChildTerminated(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", sleepLong)
	s.workflow("parent", runChild("child"))
	s.startWorker()
	id := "child-" + uuid.New()
	run := s.start("parent", id)
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, id, "", "not needed", nil))
	require.EqualError(t, run.Get(s.ctx, nil), "Terminated")
	s.expectHistory(run, childEnds("ChildWorkflowExecutionTerminated")+"WorkflowExecutionFailed")
}

func TestChildCanceled(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", sleepLong)
	s.workflow("parent", func(ctx workflow.Context, id string) (string, error) {
		childCtx, cancel := workflow.WithCancel(children(ctx, id, func(o *workflow.ChildWorkflowOptions) { o.WaitForCancellation = true }))
		future := workflow.ExecuteChildWorkflow(childCtx, "child")
		if err := future.GetChildWorkflowExecution().Get(ctx, nil); err != nil {
			return "", err
		}
		workflow.GetSignalChannel(ctx, "cancel").Receive(ctx, nil)
		cancel()
		if cadence.IsCanceledError(future.Get(ctx, nil)) {
			return "canceled", nil
		}
		return "not canceled", nil
	})
	s.startWorker()
	run := s.start("parent", "child-"+uuid.New())
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	s.signal(run, "cancel", nil)
	require.Equal(t, "canceled", result[string](s, run))
	s.expectHistory(run, `Begin StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted Decide WorkflowExecutionSignaled Decide
		RequestCancelExternalWorkflowExecutionInitiated ExternalWorkflowExecutionCancelRequested DecisionTaskScheduled
		(DecisionTaskStarted DecisionTaskCompleted ChildWorkflowExecutionCanceled Decide
		| ChildWorkflowExecutionCanceled DecisionTaskStarted DecisionTaskCompleted) Complete`)
}

func TestChildAlreadyRunning(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", sleepLong)
	s.workflow("parent", runChild("child"))
	s.startWorker()
	taken := s.start("child")
	run := s.start("parent", taken.GetID())
	require.Error(t, run.Get(s.ctx, nil))
	events := s.expectHistory(run, `Begin StartChildWorkflowExecutionInitiated StartChildWorkflowExecutionFailed Decide WorkflowExecutionFailed`)
	failed := only(s, events, shared.EventTypeStartChildWorkflowExecutionFailed).StartChildWorkflowExecutionFailedEventAttributes
	require.Equal(t, shared.ChildWorkflowExecutionFailedCauseWorkflowAlreadyRunning, failed.GetCause())
}

func TestChildContinuesAsNew(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", func(ctx workflow.Context, left int) (string, error) {
		if left > 0 {
			return "", workflow.NewContinueAsNewError(ctx, "child", left-1)
		}
		return "done", nil
	})
	s.workflow("parent", func(ctx workflow.Context, id string) (word string, err error) {
		err = workflow.ExecuteChildWorkflow(children(ctx, id), "child", 2).Get(ctx, &word)
		return word, err
	})
	s.startWorker()
	run := s.start("parent", "child-"+uuid.New())
	require.Equal(t, "done", result[string](s, run))
	s.expectHistory(run, childEnds("ChildWorkflowExecutionCompleted")+"Complete")
}

func TestChildRetryPolicy(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", func(ctx workflow.Context) (int32, error) {
		if attempt := workflow.GetInfo(ctx).Attempt; attempt > 0 {
			return attempt, nil
		}
		return 0, cadence.NewCustomError("again")
	})
	s.workflow("parent", func(ctx workflow.Context, id string) (attempt int32, err error) {
		options := children(ctx, id, func(o *workflow.ChildWorkflowOptions) {
			o.RetryPolicy = &cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 3}
		})
		err = workflow.ExecuteChildWorkflow(options, "child").Get(ctx, &attempt)
		return attempt, err
	})
	s.startWorker()
	run := s.start("parent", "child-"+uuid.New())
	require.Equal(t, int32(1), result[int32](s, run))
	s.expectHistory(run, childEnds("ChildWorkflowExecutionCompleted")+"Complete")
}

func TestChildSignaledByParent(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", collectSignals)
	s.workflow("parent", func(ctx workflow.Context, id string) (values []int, err error) {
		future := workflow.ExecuteChildWorkflow(children(ctx, id), "child", 1)
		if err = future.SignalChildWorkflow(ctx, "number", 6).Get(ctx, nil); err != nil {
			return nil, err
		}
		err = future.Get(ctx, &values)
		return values, err
	})
	s.startWorker()
	run := s.start("parent", "child-"+uuid.New())
	require.Equal(t, []int{6}, result[[]int](s, run))
	events := s.history(run.GetID(), run.GetRunID())
	require.True(t, only(s, events, shared.EventTypeSignalExternalWorkflowExecutionInitiated).
		SignalExternalWorkflowExecutionInitiatedEventAttributes.GetChildWorkflowOnly())
	require.Len(t, ofType(events, shared.EventTypeExternalWorkflowExecutionSignaled), 1)
}

func TestParentClosePolicies(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", sleepLong)
	s.workflow("parent", func(ctx workflow.Context, id string, policy client.ParentClosePolicy) error {
		options := children(ctx, id, func(o *workflow.ChildWorkflowOptions) { o.ParentClosePolicy = policy })
		return workflow.ExecuteChildWorkflow(options, "child").GetChildWorkflowExecution().Get(ctx, nil)
	})
	s.startWorker()
	leave := func(policy client.ParentClosePolicy) client.WorkflowRun {
		id := "child-" + uuid.New()
		run := s.start("parent", id, policy)
		require.NoError(t, run.Get(s.ctx, nil))
		s.expectHistory(run, `Begin StartChildWorkflowExecutionInitiated ChildWorkflowExecutionStarted Decide Complete`)
		return s.client.GetWorkflow(s.ctx, id, "")
	}

	terminated := leave(client.ParentClosePolicyTerminate)
	require.EqualError(t, terminated.Get(s.ctx, nil), (&workflow.TerminatedError{}).Error())
	// The child may end before its first decision is even scheduled, which happens in a step of its own.
	attributes := last(s.expectHistory(terminated, `WorkflowExecutionStarted
		(DecisionTaskScheduled (DecisionTaskStarted (DecisionTaskFailed|DecisionTaskCompleted TimerStarted))?)? WorkflowExecutionTerminated`)).WorkflowExecutionTerminatedEventAttributes
	require.Equal(t, "by parent close policy", attributes.GetReason())

	canceled := leave(client.ParentClosePolicyRequestCancel)
	failure[*cadence.CanceledError](s, canceled)
	require.Len(t, ofType(s.history(canceled.GetID(), canceled.GetRunID()), shared.EventTypeWorkflowExecutionCancelRequested), 1)

	abandoned := leave(client.ParentClosePolicyAbandon)
	s.untilEvent(abandoned, shared.EventTypeTimerStarted)
	require.Nil(t, s.describe(abandoned).GetWorkflowExecutionInfo().CloseStatus)
	ctx, cancel := context.WithTimeout(s.ctx, 5*time.Second)
	defer cancel()
	require.NoError(t, s.client.TerminateWorkflow(ctx, abandoned.GetID(), "", "end of test", nil))
}
