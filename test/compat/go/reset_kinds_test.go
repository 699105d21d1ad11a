// reset_kinds_test.go resets runs however they ended, to each kind of event that a reset may name, and with what was pending.
package compat

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

// Each way to end; the reset run ends well, because its code takes another way the second time.
func TestResetOfEveryKindOfClosedRun(t *testing.T) {
	ends := map[string]struct {
		closed shared.EventType
		end    func(s *scenario, run client.WorkflowRun)
	}{
		"failed":    {shared.EventTypeWorkflowExecutionFailed, func(s *scenario, run client.WorkflowRun) { s.signal(run, "word", "fail") }},
		"timed out": {shared.EventTypeWorkflowExecutionTimedOut, func(*scenario, client.WorkflowRun) {}},
		"canceled": {shared.EventTypeWorkflowExecutionCanceled, func(s *scenario, run client.WorkflowRun) {
			require.NoError(s, s.client.CancelWorkflow(s.ctx, run.GetID(), run.GetRunID()))
		}},
		"terminated": {shared.EventTypeWorkflowExecutionTerminated, func(s *scenario, run client.WorkflowRun) {
			require.NoError(s, s.client.TerminateWorkflow(s.ctx, run.GetID(), run.GetRunID(), "enough", nil))
		}},
		"continued as new": {shared.EventTypeWorkflowExecutionContinuedAsNew, func(s *scenario, run client.WorkflowRun) { s.signal(run, "word", "again") }},
	}
	for name, how := range ends {
		t.Run(name, func(t *testing.T) {
			s := newScenario(t)
			s.activity("step", func(context.Context) (string, error) { return "stepped", nil })
			s.workflow("ends", func(ctx workflow.Context) (string, error) {
				var step, word string
				if err := workflow.ExecuteActivity(activities(ctx), "step").Get(ctx, &step); err != nil {
					return "", err
				}
				selector := workflow.NewSelector(ctx).
					AddReceive(workflow.GetSignalChannel(ctx, "word"), func(c workflow.Channel, _ bool) { c.Receive(ctx, &word) }).
					AddReceive(ctx.Done(), func(workflow.Channel, bool) {})
				selector.Select(ctx)
				switch {
				case ctx.Err() != nil:
					return "", ctx.Err()
				case word == "fail":
					return "", errors.New("failed on demand")
				case word == "again":
					return "", workflow.NewContinueAsNewError(ctx, "ends")
				}
				return step + " " + word, nil
			})
			s.startWorker()
			run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
				if name == "timed out" {
					o.ExecutionStartToCloseTimeout = 2 * time.Second
				}
			}), "ends")
			s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
			how.end(s, run)
			events := s.untilEvent(run, how.closed)
			// Without the signals and requests after the first decision.
			again, err := s.reset(run, ofType(events, shared.EventTypeDecisionTaskCompleted)[0].GetEventId(), func(r *shared.ResetWorkflowExecutionRequest) {
				r.SkipSignalReapply = ptr(true)
			})
			require.NoError(t, err)
			s.untilEvent(again, shared.EventTypeActivityTaskCompleted)
			require.NoError(t, s.client.SignalWorkflow(s.ctx, again.GetID(), again.GetRunID(), "word", "well"))
			require.Equal(t, "stepped well", result[string](s, again))
			s.expectHistory(again, `WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed Decide ActivityOK
				(Decide WorkflowExecutionSignaled | WorkflowExecutionSignaled | DecisionTaskScheduled WorkflowExecutionSignaled DecisionTaskStarted DecisionTaskCompleted) Decide? Complete`)
		})
	}
}

// A run whose current run went on is left as it is; the current one ends for the reset.
func TestResetOfAnOlderRunEndsTheCurrentOne(t *testing.T) {
	s := newScenario(t)
	s.workflow("waits", func(ctx workflow.Context) (string, error) { return waitForWord(ctx), nil })
	s.startWorker()
	first := s.start("waits")
	s.signal(first, "word", "first")
	require.Equal(t, "first", result[string](s, first))
	second := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.ID, o.WorkflowIDReusePolicy = first.GetID(), client.WorkflowIDReusePolicyAllowDuplicate
	}), "waits")
	s.untilEvent(second, shared.EventTypeDecisionTaskCompleted)
	finish := ofType(s.rawHistory(first.GetID(), first.GetRunID()), shared.EventTypeDecisionTaskCompleted)[0].GetEventId()
	again, err := s.reset(first, finish)
	require.NoError(t, err)
	require.Equal(t, "first", result[string](s, again), "its signal came again")
	require.Equal(t, shared.EventTypeWorkflowExecutionTerminated, last(s.rawHistory(second.GetID(), second.GetRunID())).GetEventType())
}

// A failed decision is a point to reset to as well: the one before it is what the new run keeps.
func TestResetToAFailedDecision(t *testing.T) {
	s := newScenario(t)
	broken := true
	s.workflow("panics", func(ctx workflow.Context) (string, error) {
		if broken {
			panic("broken build")
		}
		return "mended", nil
	})
	stop := s.startWorker(func(o *worker.Options) {
		o.NonDeterministicWorkflowPolicy = worker.NonDeterministicWorkflowPolicyBlockWorkflow
	})
	run := s.start("panics")
	failed := ofType(s.untilEvent(run, shared.EventTypeDecisionTaskFailed), shared.EventTypeDecisionTaskFailed)[0]
	stop()
	broken = false
	again, err := s.reset(run, failed.GetEventId())
	require.NoError(t, err)
	s.startWorker()
	require.Equal(t, "mended", result[string](s, again))
	s.expectHistory(again, `WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed Decide Complete`)
}

// A timer that was pending at the reset point fires in the new run.
func TestResetKeepsPendingTimers(t *testing.T) {
	s := newScenario(t)
	s.workflow("sleeps", func(ctx workflow.Context) (string, error) {
		timer := workflow.NewTimer(ctx, 2*time.Second)
		word := waitForWord(ctx)
		return word, timer.Get(ctx, nil)
	})
	s.startWorker()
	run := s.start("sleeps")
	s.untilEvent(run, shared.EventTypeTimerStarted)
	s.signal(run, "word", "kept")
	events := s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	again, err := s.reset(run, ofType(events, shared.EventTypeDecisionTaskCompleted)[1].GetEventId())
	require.NoError(t, err)
	require.Equal(t, "kept", result[string](s, again))
	require.Len(t, ofType(s.history(again.GetID(), again.GetRunID()), shared.EventTypeTimerFired), 1)
}

func TestExternalCancelOfUnknownWorkflowFails(t *testing.T) {
	s := newScenario(t)
	s.workflow("cancels", func(ctx workflow.Context, id string) error {
		return workflow.RequestCancelExternalWorkflow(ctx, id, "").Get(ctx, nil)
	})
	s.startWorker()
	run := s.start("cancels", "wf-"+uuid.New())
	require.ErrorContains(t, run.Get(s.ctx, nil), "UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION")
	s.expectHistory(run, `Begin RequestCancelExternalWorkflowExecutionInitiated RequestCancelExternalWorkflowExecutionFailed Decide WorkflowExecutionFailed`)
}

// A worker with one place for sessions makes the second wait until the first ends.
func TestSessionsWaitForAPlace(t *testing.T) {
	s := newScenario(t)
	s.activity("step", func(context.Context) error { return nil })
	s.workflow("session", func(ctx workflow.Context) error {
		session, err := workflow.CreateSession(activities(ctx), &workflow.SessionOptions{CreationTimeout: 30 * time.Second, ExecutionTimeout: 30 * time.Second})
		if err != nil {
			return err
		}
		defer workflow.CompleteSession(session)
		return workflow.ExecuteActivity(session, "step").Get(session, nil)
	})
	s.startWorker(func(o *worker.Options) { o.EnableSessionWorker, o.MaxConcurrentSessionExecutionSize = true, 1 })
	runs := []client.WorkflowRun{s.start("session"), s.start("session")}
	for _, run := range runs {
		require.NoError(t, run.Get(s.ctx, nil))
		require.NoError(t, s.replay(s.history(run.GetID(), run.GetRunID())))
	}
}
