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

func markerNames(events []*shared.HistoryEvent) []string {
	var names []string
	for _, event := range ofType(events, shared.EventTypeMarkerRecorded) {
		names = append(names, event.MarkerRecordedEventAttributes.GetMarkerName())
	}
	return names
}

func localActivities(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{ScheduleToCloseTimeout: 20 * time.Second})
}

func TestLocalActivity(t *testing.T) {
	s := newScenario(t)
	double := func(_ context.Context, n int) (int, error) { return 2 * n, nil }
	s.workflow("local", func(ctx workflow.Context) (n int, err error) {
		err = workflow.ExecuteLocalActivity(localActivities(ctx), double, 21).Get(ctx, &n)
		return n, err
	})
	s.startWorker()

	run := s.start("local")
	require.Equal(t, 42, result[int](s, run))
	events := s.expectHistory(run, `Begin MarkerRecorded Complete`)
	require.Equal(t, []string{"LocalActivity"}, markerNames(events))
	require.NoError(t, s.replay(events))
}

func TestLocalActivityError(t *testing.T) {
	s := newScenario(t)
	refuse := func(context.Context) error { return cadence.NewCustomError("refused", "why") }
	s.workflow("local", func(ctx workflow.Context) error {
		return workflow.ExecuteLocalActivity(localActivities(ctx), refuse).Get(ctx, nil)
	})
	s.startWorker()

	run := s.start("local")
	require.Equal(t, "refused", failure[*cadence.CustomError](s, run).Reason())
	s.expectHistory(run, `Begin MarkerRecorded WorkflowExecutionFailed`)
}

// A local activity that outlives the decision's timeout keeps the decision alive by completing it with
// "force create new decision task".
func TestLocalActivityHeartbeatsItsDecision(t *testing.T) {
	s := newScenario(t)
	slow := func(context.Context) (string, error) {
		time.Sleep(7 * time.Second)
		return "slow", nil
	}
	s.workflow("local", func(ctx workflow.Context) (word string, err error) {
		err = workflow.ExecuteLocalActivity(localActivities(ctx), slow).Get(ctx, &word)
		return word, err
	})
	s.startWorker()

	options := s.startOptions()
	options.DecisionTaskStartToCloseTimeout = 5 * time.Second
	run := s.startWith(options, "local")
	require.Equal(t, "slow", result[string](s, run))
	s.expectHistory(run, `Begin Decide+ MarkerRecorded Complete`)
}

func TestSideEffect(t *testing.T) {
	s := newScenario(t)
	calls := 0
	s.workflow("effect", func(ctx workflow.Context) (n int, err error) {
		err = workflow.SideEffect(ctx, func(workflow.Context) any { calls++; return calls }).Get(&n)
		if err == nil {
			err = workflow.Sleep(ctx, time.Second)
		}
		return n, err
	})
	s.startWorker(func(o *worker.Options) { o.DisableStickyExecution = true })

	run := s.start("effect")
	require.Equal(t, 1, result[int](s, run), "the replay takes the recorded value")
	events := s.expectHistory(run, `Begin MarkerRecorded TimerStarted TimerFired Decide Complete`)
	require.Equal(t, []string{"SideEffect"}, markerNames(events))
	require.NoError(t, s.replay(events))
}

func TestMutableSideEffect(t *testing.T) {
	s := newScenario(t)
	s.workflow("effect", func(ctx workflow.Context) (seen []int, err error) {
		for _, value := range []int{1, 1, 2} {
			var n int
			effect := workflow.MutableSideEffect(ctx, "config", func(workflow.Context) any { return value },
				func(a, b any) bool { return a.(int) == b.(int) })
			if err = effect.Get(&n); err != nil {
				return nil, err
			}
			seen = append(seen, n)
			if err = workflow.Sleep(ctx, time.Second); err != nil {
				return nil, err
			}
		}
		return seen, nil
	})
	s.startWorker()

	run := s.start("effect")
	require.Equal(t, []int{1, 1, 2}, result[[]int](s, run))
	events := s.expectHistory(run, `Begin MarkerRecorded TimerStarted TimerFired Decide
		TimerStarted TimerFired Decide MarkerRecorded TimerStarted TimerFired Decide Complete`)
	require.Equal(t, []string{"MutableSideEffect", "MutableSideEffect"}, markerNames(events))
	require.NoError(t, s.replay(events))
}

func TestVersioning(t *testing.T) {
	s := newScenario(t)
	s.workflow("versioned", func(ctx workflow.Context) (workflow.Version, error) {
		version := workflow.GetVersion(ctx, "change-1", workflow.DefaultVersion, 3)
		err := workflow.Sleep(ctx, time.Second)
		return version, err
	})
	s.startWorker(func(o *worker.Options) { o.DisableStickyExecution = true })

	run := s.start("versioned")
	require.Equal(t, workflow.Version(3), result[workflow.Version](s, run))
	events := s.expectHistory(run, `Begin MarkerRecorded UpsertWorkflowSearchAttributes TimerStarted TimerFired Decide Complete`)
	require.Equal(t, []string{"Version"}, markerNames(events))
	upsert := only(s, events, shared.EventTypeUpsertWorkflowSearchAttributes).UpsertWorkflowSearchAttributesEventAttributes
	require.JSONEq(t, `["change-1-3"]`, string(upsert.GetSearchAttributes().GetIndexedFields()["CadenceChangeVersion"]))
	require.NoError(t, s.replay(events))
}
