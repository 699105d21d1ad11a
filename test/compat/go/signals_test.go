package compat

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

// collectSignals returns the values of n signals in the order of their receipt.
func collectSignals(ctx workflow.Context, n int) (values []int, err error) {
	channel := workflow.GetSignalChannel(ctx, "number")
	for range n {
		var value int
		channel.Receive(ctx, &value)
		values = append(values, value)
	}
	return values, nil
}

func TestSignal(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	s.startWorker()

	run := s.start("collect", 1)
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	s.signal(run, "number", 5)
	require.Equal(t, []int{5}, result[[]int](s, run))
	events := s.expectHistory(run, `Begin WorkflowExecutionSignaled Decide Complete`)
	signaled := only(s, events, shared.EventTypeWorkflowExecutionSignaled).WorkflowExecutionSignaledEventAttributes
	require.Equal(t, "number", signaled.GetSignalName())
	require.Equal(t, "compat-client", signaled.GetIdentity())
	require.JSONEq(t, "5", string(signaled.GetInput()))
	require.NoError(t, s.replay(events))
}

func TestSignalsBeforeFirstDecision(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	run := s.start("collect", 3)
	for i := range 3 {
		s.signal(run, "number", i)
	}
	s.startWorker()
	require.Equal(t, []int{0, 1, 2}, result[[]int](s, run))
	s.expectHistory(run, `WorkflowExecutionStarted DecisionTaskScheduled WorkflowExecutionSignaled{3}
		DecisionTaskStarted DecisionTaskCompleted Complete`)
}

func TestTwoHundredSignals(t *testing.T) {
	s := newScenario(t)
	const count, senders = 200, 4
	s.workflow("collect", collectSignals)
	s.startWorker()
	run := s.start("collect", count)

	var group sync.WaitGroup
	errs := make(chan error, count)
	for sender := range senders {
		group.Add(1)
		go func() {
			defer group.Done()
			for i := range count / senders {
				errs <- s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "number", sender*1000+i)
			}
		}()
	}
	group.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}

	values := result[[]int](s, run)
	require.Len(t, values, count)
	next := make([]int, senders)
	for _, value := range values {
		require.Equal(t, next[value/1000], value%1000, "signals of one sender keep their order")
		next[value/1000]++
	}
	events := s.history(run.GetID(), run.GetRunID())
	require.Len(t, ofType(events, shared.EventTypeWorkflowExecutionSignaled), count)
	require.NoError(t, s.replay(events))
}

func TestSignalChannelsSelected(t *testing.T) {
	s := newScenario(t)
	s.workflow("select", func(ctx workflow.Context) (names []string, err error) {
		selector := workflow.NewSelector(ctx)
		for _, name := range []string{"left", "right"} {
			selector.AddReceive(workflow.GetSignalChannel(ctx, name), func(c workflow.Channel, _ bool) {
				var value string
				c.Receive(ctx, &value)
				names = append(names, name+"="+value)
			})
		}
		selector.Select(ctx)
		selector.Select(ctx)
		return names, nil
	})
	s.startWorker()

	run := s.start("select")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	s.signal(run, "right", "r")
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	s.signal(run, "left", "l")
	require.Equal(t, []string{"right=r", "left=l"}, result[[]string](s, run))
	s.expectHistory(run, `Begin WorkflowExecutionSignaled Decide WorkflowExecutionSignaled Decide Complete`)
}

func TestSignalWithStart(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	options := s.startOptions()
	first, err := s.client.SignalWithStartWorkflow(s.ctx, options.ID, "number", 1, options, "collect", 2)
	require.NoError(t, err)
	second, err := s.client.SignalWithStartWorkflow(s.ctx, options.ID, "number", 2, options, "collect", 2)
	require.NoError(t, err)
	require.Equal(t, first.RunID, second.RunID, "a running workflow is only signalled")
	s.startWorker()

	run := s.client.GetWorkflow(s.ctx, first.ID, first.RunID)
	require.Equal(t, []int{1, 2}, result[[]int](s, run))
	s.expectHistory(run, `WorkflowExecutionStarted WorkflowExecutionSignaled DecisionTaskScheduled WorkflowExecutionSignaled
		DecisionTaskStarted DecisionTaskCompleted Complete`)

	third, err := s.client.SignalWithStartWorkflow(s.ctx, options.ID, "number", 3,
		s.startOptions(func(o *client.StartWorkflowOptions) {
			o.ID, o.WorkflowIDReusePolicy = options.ID, client.WorkflowIDReusePolicyAllowDuplicate
		}), "collect", 1)
	require.NoError(t, err)
	require.NotEqual(t, first.RunID, third.RunID, "a closed workflow is started anew")
	require.Equal(t, []int{3}, result[[]int](s, s.client.GetWorkflow(s.ctx, third.ID, third.RunID)))
}

func TestSignalRequestIsDeduplicated(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	run := s.start("collect", 2)
	request := &shared.SignalWorkflowExecutionRequest{
		Domain:            &domain,
		WorkflowExecution: &shared.WorkflowExecution{WorkflowId: ptr(run.GetID()), RunId: ptr(run.GetRunID())},
		SignalName:        ptr("number"),
		Input:             []byte("1"),
		RequestId:         ptr(uuid.New()),
	}
	ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
	defer cancel()
	require.NoError(t, service.SignalWorkflowExecution(ctx, request))
	require.NoError(t, service.SignalWorkflowExecution(ctx, request))
	s.signal(run, "number", 2)
	s.startWorker()
	require.Equal(t, []int{1, 2}, result[[]int](s, run))
	s.expectHistory(run, `WorkflowExecutionStarted DecisionTaskScheduled WorkflowExecutionSignaled{2}
		DecisionTaskStarted DecisionTaskCompleted Complete`)
}

func TestSignalClosedWorkflow(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	s.startWorker()
	run := s.start("collect", 0)
	require.NoError(t, run.Get(s.ctx, nil))
	err := s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "number", 1)
	require.IsType(t, &shared.EntityNotExistsError{}, err)
	require.Contains(t, err.Error(), "already completed")
	err = s.client.SignalWorkflow(s.ctx, "no-such-workflow", "", "number", 1)
	require.IsType(t, &shared.EntityNotExistsError{}, err)
}

func TestExternalSignal(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	s.workflow("send", func(ctx workflow.Context, id, runID string) error {
		return workflow.SignalExternalWorkflow(ctx, id, runID, "number", 9).Get(ctx, nil)
	})
	s.startWorker()

	receiver := s.start("collect", 1)
	s.untilEvent(receiver, shared.EventTypeDecisionTaskCompleted)
	sender := s.start("send", receiver.GetID(), receiver.GetRunID())
	require.NoError(t, sender.Get(s.ctx, nil))
	require.Equal(t, []int{9}, result[[]int](s, receiver))
	events := s.expectHistory(sender, `Begin SignalExternalWorkflowExecutionInitiated ExternalWorkflowExecutionSignaled Decide Complete`)
	require.NoError(t, s.replay(events))
	s.expectHistory(receiver, `Begin WorkflowExecutionSignaled Decide Complete`)
}

func TestExternalSignalToUnknownWorkflow(t *testing.T) {
	s := newScenario(t)
	s.workflow("send", func(ctx workflow.Context) (string, error) {
		err := workflow.SignalExternalWorkflow(ctx, "no-such-"+uuid.New(), "", "number", 9).Get(ctx, nil)
		return err.Error(), nil
	})
	s.startWorker()

	run := s.start("send")
	require.Equal(t, "UnknownExternalWorkflowExecution", result[string](s, run))
	events := s.expectHistory(run, `Begin SignalExternalWorkflowExecutionInitiated SignalExternalWorkflowExecutionFailed Decide Complete`)
	failed := only(s, events, shared.EventTypeSignalExternalWorkflowExecutionFailed).SignalExternalWorkflowExecutionFailedEventAttributes
	require.Equal(t, shared.SignalExternalWorkflowExecutionFailedCauseUnknownExternalWorkflowExecution, failed.GetCause())
}

func TestExternalCancel(t *testing.T) {
	s := newScenario(t)
	s.workflow("wait", func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Minute) })
	s.workflow("cancel", func(ctx workflow.Context, id, runID string) error {
		return workflow.RequestCancelExternalWorkflow(ctx, id, runID).Get(ctx, nil)
	})
	s.startWorker()

	target := s.start("wait")
	s.untilEvent(target, shared.EventTypeTimerStarted)
	run := s.start("cancel", target.GetID(), target.GetRunID())
	require.NoError(t, run.Get(s.ctx, nil))
	failure[*cadence.CanceledError](s, target)
	s.expectHistory(run, `Begin RequestCancelExternalWorkflowExecutionInitiated ExternalWorkflowExecutionCancelRequested Decide Complete`)
	events := s.expectHistory(target, `Begin TimerStarted WorkflowExecutionCancelRequested Decide TimerCanceled WorkflowExecutionCanceled`)
	requested := only(s, events, shared.EventTypeWorkflowExecutionCancelRequested).WorkflowExecutionCancelRequestedEventAttributes
	require.Equal(t, run.GetID(), requested.GetExternalWorkflowExecution().GetWorkflowId())

	unknown := s.start("cancel", "no-such-"+uuid.New(), "")
	require.EqualError(t, unknown.Get(s.ctx, nil), "cancel external workflow failed, UNKNOWN_EXTERNAL_WORKFLOW_EXECUTION")
	s.expectHistory(unknown, `Begin RequestCancelExternalWorkflowExecutionInitiated RequestCancelExternalWorkflowExecutionFailed
		Decide WorkflowExecutionFailed`)
}
