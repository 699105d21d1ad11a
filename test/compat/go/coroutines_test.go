// coroutines_test.go runs what workflow code does among its own coroutines: channels, selectors, wait groups, awaits, locks. All of it must replay.
package compat

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

func TestChannelsCarryResultsBetweenCoroutines(t *testing.T) {
	s := newScenario(t)
	s.activity("square", func(_ context.Context, n int) (int, error) { return n * n, nil })
	s.workflow("pipeline", func(ctx workflow.Context) (sum int, err error) {
		squares := workflow.NewBufferedChannel(ctx, 1)
		workflow.Go(ctx, func(ctx workflow.Context) {
			for n := 1; n <= 3; n++ {
				var square int
				_ = workflow.ExecuteActivity(activities(ctx), "square", n).Get(ctx, &square)
				squares.Send(ctx, square)
			}
			squares.Close()
		})
		var square int
		for squares.Receive(ctx, &square) {
			sum += square
		}
		return sum, nil
	})
	s.startWorker()
	run := s.start("pipeline")
	require.Equal(t, 14, result[int](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin (ActivityOK Decide){3} Complete`)))
}

func TestWaitGroupWaitsForAllCoroutines(t *testing.T) {
	s := newScenario(t)
	s.workflow("group", func(ctx workflow.Context) (done []int, err error) {
		group := workflow.NewWaitGroup(ctx)
		for n := 3; n >= 1; n-- {
			group.Add(1)
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer group.Done()
				_ = workflow.Sleep(ctx, time.Duration(n)*time.Second)
				done = append(done, n)
			})
		}
		group.Wait(ctx)
		return done, nil
	})
	s.startWorker(func(o *worker.Options) { o.DisableStickyExecution = true })
	run := s.start("group")
	require.Equal(t, []int{1, 2, 3}, result[[]int](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin TimerStarted{3} (TimerFired Decide){3} Complete`)))
}

func TestAwaitWaitsForItsCondition(t *testing.T) {
	s := newScenario(t)
	s.workflow("await", func(ctx workflow.Context) (seen int, err error) {
		workflow.Go(ctx, func(ctx workflow.Context) {
			for {
				workflow.GetSignalChannel(ctx, "word").Receive(ctx, nil)
				seen++
			}
		})
		err = workflow.Await(ctx, func() bool { return seen >= 2 })
		return seen, err
	})
	s.startWorker()
	run := s.start("await")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	s.signal(run, "word", "a")
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	s.signal(run, "word", "b")
	require.Equal(t, 2, result[int](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin (WorkflowExecutionSignaled Decide){2} Complete`)))
}

func TestAwaitEndsWithTheCancellation(t *testing.T) {
	s := newScenario(t)
	s.workflow("await", func(ctx workflow.Context) error {
		return workflow.Await(ctx, func() bool { return false })
	})
	s.startWorker()
	run := s.start("await")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	require.NoError(t, s.client.CancelWorkflow(s.ctx, run.GetID(), ""))
	failure[*cadence.CanceledError](s, run)
	s.expectHistory(run, `Begin WorkflowExecutionCancelRequested Decide WorkflowExecutionCanceled`)
}

// A channel of one place is a lock: coroutines that hold it run their activities one after another.
func TestChannelAsLockKeepsActivitiesApart(t *testing.T) {
	s := newScenario(t)
	s.activity("work", func(_ context.Context, n int) error { return nil })
	s.workflow("locked", func(ctx workflow.Context) (order []int, err error) {
		lock, group := workflow.NewBufferedChannel(ctx, 1), workflow.NewWaitGroup(ctx)
		for n := range 3 {
			group.Add(1)
			workflow.Go(ctx, func(ctx workflow.Context) {
				defer group.Done()
				lock.Send(ctx, true)
				_ = workflow.ExecuteActivity(activities(ctx), "work", n).Get(ctx, nil)
				order = append(order, n)
				lock.Receive(ctx, nil)
			})
		}
		group.Wait(ctx)
		return order, nil
	})
	s.startWorker()
	run := s.start("locked")
	require.Equal(t, []int{0, 1, 2}, result[[]int](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin (ActivityOK Decide){3} Complete`)))
}

func TestSelectorTakesWhatComesFirst(t *testing.T) {
	s := newScenario(t)
	s.workflow("select", func(ctx workflow.Context) (taken []string, err error) {
		timer := workflow.NewTimer(ctx, 2*time.Second)
		stop := false
		selector := workflow.NewSelector(ctx).
			AddReceive(workflow.GetSignalChannel(ctx, "word"), func(c workflow.Channel, _ bool) {
				var word string
				c.Receive(ctx, &word)
				taken = append(taken, word)
			}).
			AddFuture(timer, func(workflow.Future) { taken, stop = append(taken, "timer"), true })
		for !stop {
			selector.Select(ctx)
		}
		return taken, nil
	})
	s.startWorker()
	run := s.start("select")
	s.untilEvent(run, shared.EventTypeTimerStarted)
	s.signal(run, "word", "signal")
	require.Equal(t, []string{"signal", "timer"}, result[[]string](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin TimerStarted WorkflowExecutionSignaled Decide TimerFired Decide Complete`)))
}

// A timer and an activity of one cancelable context end with it; what runs in another goes on.
func TestCancelScopeEndsOnlyItsOwn(t *testing.T) {
	s := newScenario(t)
	s.workflow("scope", func(ctx workflow.Context) (bool, error) {
		inner, cancel := workflow.WithCancel(ctx)
		canceled := workflow.NewTimer(inner, time.Minute)
		kept := workflow.NewTimer(ctx, time.Second)
		if err := workflow.Sleep(ctx, time.Second); err != nil {
			return false, err
		}
		cancel()
		_, isCanceled := canceled.Get(ctx, nil).(*cadence.CanceledError)
		return isCanceled, kept.Get(ctx, nil)
	})
	s.startWorker()
	run := s.start("scope")
	require.True(t, result[bool](s, run))
	require.NoError(t, s.replay(s.expectHistory(run, `Begin TimerStarted{3} TimerFired Decide? (TimerFired Decide?)? TimerCanceled? Decide? TimerCanceled? Complete`)))
}
