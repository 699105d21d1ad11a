// carry_test.go checks what the server carries from run to run and from caller to worker.
package compat

import (
	"context"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	apiv1 "github.com/uber/cadence-idl/go/proto/api/v1"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

type userKey struct{}

// userPropagator carries one value in the headers of workflows and activities.
type userPropagator struct{}

func (userPropagator) Inject(ctx context.Context, w workflow.HeaderWriter) error {
	if user, ok := ctx.Value(userKey{}).(string); ok {
		w.Set("user", []byte(user))
	}
	return nil
}

func (userPropagator) InjectFromWorkflow(ctx workflow.Context, w workflow.HeaderWriter) error {
	if user, ok := ctx.Value(userKey{}).(string); ok {
		w.Set("user", []byte(user))
	}
	return nil
}

func (userPropagator) Extract(ctx context.Context, r workflow.HeaderReader) (context.Context, error) {
	err := r.ForEachKey(func(key string, value []byte) error {
		if key == "user" {
			ctx = context.WithValue(ctx, userKey{}, string(value))
		}
		return nil
	})
	return ctx, err
}

func (userPropagator) ExtractToWorkflow(ctx workflow.Context, r workflow.HeaderReader) (workflow.Context, error) {
	err := r.ForEachKey(func(key string, value []byte) error {
		if key == "user" {
			ctx = workflow.WithValue(ctx, userKey{}, string(value))
		}
		return nil
	})
	return ctx, err
}

func TestHeadersReachWorkflowActivityAndChild(t *testing.T) {
	s := newScenario(t)
	propagators := []workflow.ContextPropagator{userPropagator{}}
	s.client = client.NewClient(service, domain, &client.Options{ContextPropagators: propagators})
	user := func(ctx workflow.Context) string { name, _ := ctx.Value(userKey{}).(string); return name }
	s.activity("who", func(ctx context.Context) (string, error) { name, _ := ctx.Value(userKey{}).(string); return name, nil })
	s.workflow("child", func(ctx workflow.Context) (string, error) { return user(ctx), nil })
	s.workflow("parent", func(ctx workflow.Context, id string) ([]string, error) {
		var fromActivity, fromChild string
		if err := workflow.ExecuteActivity(activities(ctx), "who").Get(ctx, &fromActivity); err != nil {
			return nil, err
		}
		err := workflow.ExecuteChildWorkflow(children(ctx, id), "child").Get(ctx, &fromChild)
		return []string{user(ctx), fromActivity, fromChild}, err
	})
	s.startWorker(func(o *worker.Options) { o.ContextPropagators = propagators })
	s.ctx = context.WithValue(s.ctx, userKey{}, "ada")
	run := s.start("parent", "child-"+uuid.New())
	require.Equal(t, []string{"ada", "ada", "ada"}, result[[]string](s, run))
}

func TestMemoAndSearchAttributesFollowTheChain(t *testing.T) {
	s := newScenario(t)
	s.workflow("twice", func(ctx workflow.Context, again bool) error {
		if again {
			if err := workflow.UpsertSearchAttributes(ctx, map[string]any{"CustomIntField": 5}); err != nil {
				return err
			}
			return workflow.NewContinueAsNewError(ctx, "twice", false)
		}
		return nil
	})
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.Memo = map[string]any{"note": "kept"}
		o.SearchAttributes = map[string]any{"CustomKeywordField": "kept"}
	}), "twice", true)
	require.NoError(t, run.Get(s.ctx, nil))
	described, err := s.client.DescribeWorkflowExecution(s.ctx, run.GetID(), "")
	require.NoError(t, err)
	info := described.GetWorkflowExecutionInfo()
	require.NotEqual(t, run.GetRunID(), info.GetExecution().GetRunId())
	require.JSONEq(t, `"kept"`, string(info.GetMemo().GetFields()["note"]))
	require.JSONEq(t, `"kept"`, string(info.GetSearchAttributes().GetIndexedFields()["CustomKeywordField"]))
	require.JSONEq(t, `5`, string(info.GetSearchAttributes().GetIndexedFields()["CustomIntField"]))
}

func TestCronContinuesAfterFailure(t *testing.T) {
	s := newScenario(t)
	s.workflow("tick", func(workflow.Context) error { return cadence.NewCustomError("missed") })
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.CronSchedule = "@every 1s" }), "tick")
	s.untilEvent(run, shared.EventTypeWorkflowExecutionContinuedAsNew)
	continued := last(s.expectHistory(run, `Begin WorkflowExecutionContinuedAsNew`)).WorkflowExecutionContinuedAsNewEventAttributes
	require.Equal(t, shared.ContinueAsNewInitiatorCronSchedule, continued.GetInitiator())
	require.Equal(t, "missed", continued.GetFailureReason())
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, run.GetID(), "", "enough", nil))
}

func TestCronCanceledDoesNotContinue(t *testing.T) {
	s := newScenario(t)
	s.workflow("tick", sleepLong)
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.CronSchedule = "@every 1s" }), "tick")
	s.untilEvent(run, shared.EventTypeTimerStarted)
	require.NoError(t, s.client.CancelWorkflow(s.ctx, run.GetID(), ""))
	failure[*cadence.CanceledError](s, run)
	s.expectHistory(run, `Begin TimerStarted WorkflowExecutionCancelRequested Decide TimerCanceled WorkflowExecutionCanceled`)
}

func TestWorkflowTimeoutIsRetried(t *testing.T) {
	s := newScenario(t)
	s.workflow("slowOnce", func(ctx workflow.Context) (int32, error) {
		attempt := workflow.GetInfo(ctx).Attempt
		if attempt == 0 {
			return 0, sleepLong(ctx)
		}
		return attempt, nil
	})
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.ExecutionStartToCloseTimeout = 2 * time.Second
		o.RetryPolicy = &cadence.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 2}
	}), "slowOnce")
	require.Equal(t, int32(1), result[int32](s, run))
	continued := last(s.expectHistory(run, `Begin TimerStarted WorkflowExecutionContinuedAsNew`)).WorkflowExecutionContinuedAsNewEventAttributes
	require.Equal(t, shared.ContinueAsNewInitiatorRetryPolicy, continued.GetInitiator())
	require.Equal(t, "cadenceInternal:Timeout START_TO_CLOSE", continued.GetFailureReason())
}

func TestWorkflowNonRetryableReason(t *testing.T) {
	s := newScenario(t)
	s.workflow("fatal", func(workflow.Context) error { return cadence.NewCustomError("fatal") })
	s.startWorker()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.RetryPolicy = &cadence.RetryPolicy{
			InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: 3, NonRetriableErrorReasons: []string{"fatal"},
		}
	}), "fatal")
	require.Equal(t, "fatal", failure[*cadence.CustomError](s, run).Reason())
	s.expectHistory(run, `Begin WorkflowExecutionFailed`)
}

// More children than a parent's close handles inline are left to a system workflow.
func TestParentClosePolicyForManyChildren(t *testing.T) {
	s := newScenario(t)
	const count = 12
	s.workflow("child", sleepLong)
	s.workflow("parent", func(ctx workflow.Context, prefix string) error {
		for i := range count {
			id := prefix + string(rune('a'+i))
			if err := workflow.ExecuteChildWorkflow(children(ctx, id), "child").GetChildWorkflowExecution().Get(ctx, nil); err != nil {
				return err
			}
		}
		return nil
	})
	s.startWorker()
	prefix := "child-" + uuid.New()
	require.NoError(t, s.start("parent", prefix).Get(s.ctx, nil))
	for i := range count {
		run := s.client.GetWorkflow(s.ctx, prefix+string(rune('a'+i)), "")
		require.EqualError(t, run.Get(s.ctx, nil), "Terminated")
	}
}

// Fields that the Go client's adapter drops, seen on the wire.
func TestWireFields(t *testing.T) {
	s := newScenario(t)
	request := startRequest(s, "nobody")
	ctx, done := s.call()
	defer done()
	response, err := service.StartWorkflowExecution(ctx, request)
	require.NoError(t, err)
	signalID := uuid.New()
	execution := &apiv1.WorkflowExecution{WorkflowId: request.GetWorkflowId(), RunId: response.GetRunId()}
	_, err = protoWorkflow.SignalWorkflowExecution(ctx, &apiv1.SignalWorkflowExecutionRequest{
		Domain: domain, WorkflowExecution: execution, SignalName: "word", RequestId: signalID, Identity: "compat-client",
	})
	require.NoError(t, err)
	history, err := protoWorkflow.GetWorkflowExecutionHistory(ctx, &apiv1.GetWorkflowExecutionHistoryRequest{
		Domain: domain, WorkflowExecution: execution,
	})
	require.NoError(t, err)
	events := history.GetHistory().GetEvents()
	require.Len(t, events, 3)
	require.Equal(t, int64(-24), events[0].GetVersion(), "a local domain has the empty version")
	require.Greater(t, events[0].GetTaskId(), int64(0))
	require.NotNil(t, events[0].GetEventTime())
	started := events[0].GetWorkflowExecutionStartedEventAttributes()
	require.Equal(t, request.GetRequestId(), started.GetRequestId())
	require.Equal(t, int64(30), started.GetExecutionStartToCloseTimeout().GetSeconds())
	require.Nil(t, started.GetParentExecutionInfo())
	require.Nil(t, started.GetInput())
	require.Equal(t, signalID, events[2].GetWorkflowExecutionSignaledEventAttributes().GetRequestId())
	described, err := protoWorkflow.DescribeWorkflowExecution(ctx, &apiv1.DescribeWorkflowExecutionRequest{
		Domain: domain, WorkflowExecution: execution,
	})
	require.NoError(t, err)
	require.Equal(t, apiv1.WorkflowExecutionCloseStatus_WORKFLOW_EXECUTION_CLOSE_STATUS_INVALID, described.GetWorkflowExecutionInfo().GetCloseStatus())
	require.Nil(t, described.GetWorkflowExecutionInfo().GetCloseTime())
}

func TestRestartWorkflow(t *testing.T) {
	s := newScenario(t)
	s.workflow("end", endWith)
	s.startWorker()
	run := s.start("end", "ok")
	require.NoError(t, run.Get(s.ctx, nil))
	ctx, done := s.call()
	defer done()
	restarted, err := protoWorkflow.RestartWorkflowExecution(ctx, &apiv1.RestartWorkflowExecutionRequest{
		Domain: domain, WorkflowExecution: &apiv1.WorkflowExecution{WorkflowId: run.GetID(), RunId: run.GetRunID()},
	})
	require.NoError(t, err)
	require.NotEqual(t, run.GetRunID(), restarted.GetRunId())
	again := s.client.GetWorkflow(s.ctx, run.GetID(), restarted.GetRunId())
	require.NoError(t, again.Get(s.ctx, nil))
	events := s.expectHistory(again, `Begin Complete`)
	require.JSONEq(t, `"ok"`, string(events[0].WorkflowExecutionStartedEventAttributes.GetInput()))
}

func TestRefreshWorkflowTasksChangesNoHistory(t *testing.T) {
	s := newScenario(t)
	s.workflow("collect", collectSignals)
	s.startWorker()
	run := s.start("collect", 1)
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	require.NoError(t, s.client.RefreshWorkflowTasks(s.ctx, run.GetID(), run.GetRunID()))
	s.signal(run, "number", 1)
	require.Equal(t, []int{1}, result[[]int](s, run))
	s.expectHistory(run, `Begin WorkflowExecutionSignaled Decide Complete`)
}
