package compat

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/workflow"
)

func TestTimer(t *testing.T) {
	s := newScenario(t)
	s.workflow("sleep", func(ctx workflow.Context) (time.Duration, error) {
		from := workflow.Now(ctx)
		err := workflow.Sleep(ctx, time.Second)
		return workflow.Now(ctx).Sub(from), err
	})
	s.startWorker()

	run := s.start("sleep")
	require.InDelta(t, time.Second, result[time.Duration](s, run), float64(3*time.Second))
	events := s.expectHistory(run, `Begin TimerStarted TimerFired Decide Complete`)
	timer := only(s, events, shared.EventTypeTimerStarted)
	require.Equal(t, int64(1), timer.TimerStartedEventAttributes.GetStartToFireTimeoutSeconds())
	fired := only(s, events, shared.EventTypeTimerFired)
	require.Equal(t, timer.TimerStartedEventAttributes.GetTimerId(), fired.TimerFiredEventAttributes.GetTimerId())
	require.GreaterOrEqual(t, fired.GetTimestamp()-timer.GetTimestamp(), int64(900*time.Millisecond))
	require.NoError(t, s.replay(events))
}

func TestTimersFireInOrder(t *testing.T) {
	s := newScenario(t)
	s.workflow("race", func(ctx workflow.Context) (order []int, err error) {
		selector := workflow.NewSelector(ctx)
		for _, seconds := range []int{3, 1} {
			seconds := seconds
			selector.AddFuture(workflow.NewTimer(ctx, time.Duration(seconds)*time.Second), func(workflow.Future) {
				order = append(order, seconds)
			})
		}
		selector.Select(ctx)
		selector.Select(ctx)
		return order, nil
	})
	s.startWorker()

	run := s.start("race")
	require.Equal(t, []int{1, 3}, result[[]int](s, run))
	s.expectHistory(run, `Begin TimerStarted TimerStarted TimerFired Decide TimerFired Decide Complete`)
}

func TestTimersOfOneSecondFireTogether(t *testing.T) {
	s := newScenario(t)
	s.workflow("together", func(ctx workflow.Context) error {
		first, second := workflow.NewTimer(ctx, time.Second), workflow.NewTimer(ctx, time.Second)
		_ = first.Get(ctx, nil)
		return second.Get(ctx, nil)
	})
	s.startWorker()

	run := s.start("together")
	require.NoError(t, run.Get(s.ctx, nil))
	s.expectHistory(run, `Begin TimerStarted TimerStarted TimerFired TimerFired Decide Complete`)
}

func TestTimerCanceled(t *testing.T) {
	s := newScenario(t)
	s.workflow("cancel", func(ctx workflow.Context) (bool, error) {
		timerCtx, cancel := workflow.WithCancel(ctx)
		timer := workflow.NewTimer(timerCtx, time.Minute)
		workflow.GetSignalChannel(ctx, "cancel").Receive(ctx, nil)
		cancel()
		return cadence.IsCanceledError(timer.Get(ctx, nil)), nil
	})
	s.startWorker()

	run := s.start("cancel")
	s.untilEvent(run, shared.EventTypeTimerStarted)
	s.signal(run, "cancel", nil)
	require.True(t, result[bool](s, run))
	events := s.expectHistory(run, `Begin TimerStarted WorkflowExecutionSignaled Decide TimerCanceled Complete`)
	require.NoError(t, s.replay(events))
}

func TestTimerCanceledInItsOwnDecision(t *testing.T) {
	s := newScenario(t)
	s.workflow("cancel", func(ctx workflow.Context) error {
		timerCtx, cancel := workflow.WithCancel(ctx)
		workflow.NewTimer(timerCtx, time.Minute)
		cancel()
		return workflow.Sleep(ctx, time.Second)
	})
	s.startWorker()

	run := s.start("cancel")
	require.NoError(t, run.Get(s.ctx, nil))
	// The client cancels a timer that it has not yet asked for within itself.
	s.expectHistory(run, `Begin TimerStarted TimerFired Decide Complete`)
}

func TestSelectorActivityAgainstTimer(t *testing.T) {
	s := newScenario(t)
	s.activity("quick", func(context.Context) (string, error) { return "activity", nil })
	s.workflow("race", func(ctx workflow.Context) (winner string, err error) {
		timerCtx, cancel := workflow.WithCancel(ctx)
		selector := workflow.NewSelector(ctx)
		selector.AddFuture(workflow.NewTimer(timerCtx, time.Minute), func(workflow.Future) { winner = "timer" })
		selector.AddFuture(workflow.ExecuteActivity(activities(ctx), "quick"), func(f workflow.Future) {
			err = f.Get(ctx, &winner)
		})
		selector.Select(ctx)
		cancel()
		return winner, err
	})
	s.startWorker()

	run := s.start("race")
	require.Equal(t, "activity", result[string](s, run))
	s.expectHistory(run, `Begin TimerStarted ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted Decide TimerCanceled Complete`)
}
