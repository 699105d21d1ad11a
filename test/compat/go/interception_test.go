// interception_test.go puts code of the user's between the client and the server: data converters, interceptors, and replay of what a server has.
package compat

import (
	"bytes"
	"context"
	"encoding/gob"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/interceptors"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
	"go.uber.org/zap"
)

// gobConverter writes payloads that are neither JSON nor text.
type gobConverter struct{}

func (gobConverter) ToData(values ...any) ([]byte, error) {
	var out bytes.Buffer
	encoder := gob.NewEncoder(&out)
	for _, value := range values {
		if err := encoder.Encode(value); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func (gobConverter) FromData(data []byte, values ...any) error {
	decoder := gob.NewDecoder(bytes.NewReader(data))
	for _, value := range values {
		if err := decoder.Decode(value); err != nil {
			return err
		}
	}
	return nil
}

func TestDataConverterIsUsedForEveryPayload(t *testing.T) {
	s := newScenario(t)
	s.client = client.NewClient(service, domain, &client.Options{DataConverter: gobConverter{}})
	s.activity("twice", func(_ context.Context, word string) (string, error) { return word + word, nil })
	s.workflow("converted", func(ctx workflow.Context, word string) (string, error) {
		var more string
		workflow.GetSignalChannel(ctx, "more").Receive(ctx, &more)
		var twice string
		err := workflow.ExecuteActivity(activities(ctx), "twice", word+more).Get(ctx, &twice)
		return twice, err
	})
	s.startWorker(func(o *worker.Options) { o.DataConverter = gobConverter{} })
	run := s.start("converted", "a")
	s.signal(run, "more", "b")
	require.Equal(t, "abab", result[string](s, run))
	events := s.history(run.GetID(), run.GetRunID())
	want, err := gobConverter{}.ToData("abab")
	require.NoError(t, err)
	require.Equal(t, want, last(events).WorkflowExecutionCompletedEventAttributes.GetResult())
}

type countingFactory struct{ activities *int }

func (f countingFactory) NewInterceptor(_ *workflow.Info, next interceptors.WorkflowInterceptor) interceptors.WorkflowInterceptor {
	return &counting{WorkflowInterceptorBase: interceptors.WorkflowInterceptorBase{Next: next}, activities: f.activities}
}

type counting struct {
	interceptors.WorkflowInterceptorBase
	activities *int
}

func (c *counting) ExecuteActivity(ctx workflow.Context, activityType string, args ...any) workflow.Future {
	*c.activities++
	return c.Next.ExecuteActivity(ctx, "prefixed-"+activityType, args...)
}

func TestInterceptorChangesWhatAWorkflowCalls(t *testing.T) {
	s := newScenario(t)
	calls := 0
	s.activity("prefixed-step", func(context.Context) (string, error) { return "prefixed", nil })
	s.workflow("intercepted", func(ctx workflow.Context) (word string, err error) {
		err = workflow.ExecuteActivity(activities(ctx), "step").Get(ctx, &word)
		return word, err
	})
	s.startWorker(func(o *worker.Options) {
		o.WorkflowInterceptorChainFactories = []interceptors.WorkflowInterceptorFactory{countingFactory{&calls}}
	})
	run := s.start("intercepted")
	require.Equal(t, "prefixed", result[string](s, run))
	require.Equal(t, 1, calls)
	scheduled := only(s, s.expectHistory(run, `Begin ActivityOK Decide Complete`), shared.EventTypeActivityTaskScheduled)
	require.Equal(t, "prefixed-step", scheduled.ActivityTaskScheduledEventAttributes.GetActivityType().GetName())
}

func sleepsAndSteps(ctx workflow.Context) error {
	if err := workflow.Sleep(ctx, time.Second); err != nil {
		return err
	}
	return workflow.ExecuteActivity(activities(ctx), "step").Get(ctx, nil)
}

func TestReplayerReadsAnOpenRunFromTheServer(t *testing.T) {
	s := newScenario(t)
	s.activity("step", func(context.Context) error { return nil })
	s.workflow("replayed", func(ctx workflow.Context) error {
		if err := sleepsAndSteps(ctx); err != nil {
			return err
		}
		waitForWord(ctx)
		return nil
	})
	s.startWorker()
	run := s.start("replayed")
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 3)
	replayer := worker.NewWorkflowReplayer()
	replayer.RegisterWorkflowWithOptions(s.workflows["replayed"], workflow.RegisterOptions{Name: "replayed"})
	execution := workflow.Execution{ID: run.GetID(), RunID: run.GetRunID()}
	require.NoError(t, replayer.ReplayWorkflowExecution(s.ctx, service, zap.NewNop(), domain, execution))
	s.signal(run, "word", "end")
	require.NoError(t, run.Get(s.ctx, nil))
}

func shadow(s *scenario, kind string, code any) error {
	shadower, err := worker.NewWorkflowShadower(service, domain, worker.ShadowOptions{
		WorkflowTypes:  []string{kind},
		WorkflowStatus: []string{"CLOSED"},
	}, worker.ReplayOptions{}, zap.NewNop())
	require.NoError(s, err)
	shadower.RegisterWorkflowWithOptions(code, workflow.RegisterOptions{Name: kind})
	return shadower.Run()
}

// Shadowing finds runs by query and replays them with the code at hand.
func TestAdvancedShadowingReplaysWhatTheServerHas(t *testing.T) {
	s := advanced(t)
	s.activity("step", func(context.Context) error { return nil })
	kind := "shadowed-" + s.taskList
	s.workflow(kind, sleepsAndSteps)
	s.startWorker()
	run := s.start(kind)
	require.NoError(t, run.Get(s.ctx, nil))
	s.until("the run is listed as closed", func() bool {
		list, err := s.client.ListWorkflow(s.ctx, &shared.ListWorkflowExecutionsRequest{
			PageSize: ptr(int32(1)), Query: ptr("WorkflowType = '" + kind + "' and CloseTime != missing"),
		})
		return err == nil && len(list.GetExecutions()) == 1
	})
	require.NoError(t, shadow(s, kind, sleepsAndSteps))
	require.ErrorContains(t, shadow(s, kind, func(ctx workflow.Context) error {
		return workflow.ExecuteActivity(activities(ctx), "step").Get(ctx, nil)
	}), "nondeterministic")
}
