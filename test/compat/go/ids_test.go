package compat

import (
	"strings"
	"testing"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

// endWith completes or fails, as told.
func endWith(_ workflow.Context, outcome string) error {
	if outcome != "ok" {
		return cadence.NewCustomError(outcome)
	}
	return nil
}

func TestWorkflowIDReusePolicies(t *testing.T) {
	s := newScenario(t)
	s.workflow("end", endWith)
	s.startWorker()
	const refused, accepted = false, true
	for _, c := range []struct {
		name    string
		policy  client.WorkflowIDReusePolicy
		outcome string
		want    bool
		text    string
	}{
		{"allow duplicate after success", client.WorkflowIDReusePolicyAllowDuplicate, "ok", accepted, ""},
		{"allow duplicate after failure", client.WorkflowIDReusePolicyAllowDuplicate, "bad", accepted, ""},
		{"failed only after success", client.WorkflowIDReusePolicyAllowDuplicateFailedOnly, "ok", refused, "already finished successfully"},
		{"failed only after failure", client.WorkflowIDReusePolicyAllowDuplicateFailedOnly, "bad", accepted, ""},
		{"reject after success", client.WorkflowIDReusePolicyRejectDuplicate, "ok", refused, "already finished"},
		{"reject after failure", client.WorkflowIDReusePolicyRejectDuplicate, "bad", refused, "already finished"},
		{"terminate if running after success", client.WorkflowIDReusePolicyTerminateIfRunning, "ok", accepted, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			run := s.start("end", c.outcome)
			_ = run.Get(s.ctx, nil)
			again := s.startOptions(func(o *client.StartWorkflowOptions) { o.ID, o.WorkflowIDReusePolicy = run.GetID(), c.policy })
			execution, err := s.client.StartWorkflow(s.ctx, again, "end", "ok")
			if c.want == accepted {
				require.NoError(t, err)
				require.NotEqual(t, run.GetRunID(), execution.RunID)
				return
			}
			already, ok := err.(*shared.WorkflowExecutionAlreadyStartedError)
			require.Truef(t, ok, "got %T: %v", err, err)
			require.Equal(t, run.GetRunID(), already.GetRunId())
			require.NotEmpty(t, already.GetStartRequestId())
			require.Contains(t, already.GetMessage(), c.text)
		})
	}
}

func TestWorkflowIDOfRunningWorkflow(t *testing.T) {
	s := newScenario(t)
	for _, policy := range []client.WorkflowIDReusePolicy{
		client.WorkflowIDReusePolicyAllowDuplicate,
		client.WorkflowIDReusePolicyAllowDuplicateFailedOnly,
		client.WorkflowIDReusePolicyRejectDuplicate,
	} {
		run := s.start("nobody")
		again := s.startOptions(func(o *client.StartWorkflowOptions) { o.ID, o.WorkflowIDReusePolicy = run.GetID(), policy })
		_, err := s.client.StartWorkflow(s.ctx, again, "nobody")
		require.IsType(t, &shared.WorkflowExecutionAlreadyStartedError{}, err)
		already := err.(*shared.WorkflowExecutionAlreadyStartedError)
		require.Equal(t, run.GetRunID(), already.GetRunId())
		require.Equal(t, "Workflow execution is already running. WorkflowId: "+run.GetID()+", RunId: "+run.GetRunID()+".", already.GetMessage())
	}
}

func TestTerminateIfRunning(t *testing.T) {
	s := newScenario(t)
	s.workflow("sleep", sleepLong)
	s.startWorker()
	first := s.start("sleep")
	s.untilEvent(first, shared.EventTypeTimerStarted)
	second := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) {
		o.ID, o.WorkflowIDReusePolicy = first.GetID(), client.WorkflowIDReusePolicyTerminateIfRunning
	}), "sleep")
	require.NotEqual(t, first.GetRunID(), second.GetRunID())
	attributes := last(s.expectHistory(first, `Begin TimerStarted WorkflowExecutionTerminated`)).WorkflowExecutionTerminatedEventAttributes
	require.Equal(t, "TerminateIfRunning Policy", attributes.GetReason())
	require.Equal(t, "New runID: "+second.GetRunID(), string(attributes.GetDetails()))
	require.NoError(t, s.client.TerminateWorkflow(s.ctx, second.GetID(), "", "end of test", nil))
}

func startRequest(s *scenario, workflowType string) *shared.StartWorkflowExecutionRequest {
	return &shared.StartWorkflowExecutionRequest{
		Domain:                              &domain,
		WorkflowId:                          ptr("wf-" + uuid.New()),
		WorkflowType:                        &shared.WorkflowType{Name: &workflowType},
		TaskList:                            &shared.TaskList{Name: &s.taskList},
		ExecutionStartToCloseTimeoutSeconds: ptr(int32(30)),
		TaskStartToCloseTimeoutSeconds:      ptr(int32(10)),
		RequestId:                           ptr(uuid.New()),
		Identity:                            ptr("compat-client"),
	}
}

func TestStartRequestIsDeduplicated(t *testing.T) {
	s := newScenario(t)
	s.workflow("end", endWith)
	request := startRequest(s, "end")
	request.Input = []byte(`"ok"`)
	ctx, done := s.call()
	defer done()
	first, err := service.StartWorkflowExecution(ctx, request)
	require.NoError(t, err)
	second, err := service.StartWorkflowExecution(ctx, request)
	require.NoError(t, err)
	require.Equal(t, first.GetRunId(), second.GetRunId())

	s.startWorker()
	run := s.client.GetWorkflow(s.ctx, request.GetWorkflowId(), first.GetRunId())
	require.NoError(t, run.Get(s.ctx, nil))
	third, err := service.StartWorkflowExecution(ctx, request)
	require.NoError(t, err, "even after the end")
	require.Equal(t, first.GetRunId(), third.GetRunId())
}

func TestInvalidStartRequests(t *testing.T) {
	s := newScenario(t)
	type request = shared.StartWorkflowExecutionRequest
	for _, c := range []struct {
		name  string
		spoil func(*request)
		text  string
	}{
		{"no workflow id", func(r *request) { r.WorkflowId = nil }, "WorkflowId is not set on request."},
		{"no request id", func(r *request) { r.RequestId = nil }, `requestId "" is not a valid UUID`},
		{"request id not a uuid", func(r *request) { r.RequestId = ptr("nope") }, `requestId "nope" is not a valid UUID`},
		{"no type", func(r *request) { r.WorkflowType = nil }, "WorkflowType is not set on request."},
		{"no task list", func(r *request) { r.TaskList = nil }, "TaskList is not set on request."},
		{"no execution timeout", func(r *request) { r.ExecutionStartToCloseTimeoutSeconds = nil },
			"A valid ExecutionStartToCloseTimeoutSeconds is not set on request."},
		{"no task timeout", func(r *request) { r.TaskStartToCloseTimeoutSeconds = nil },
			"A valid TaskStartToCloseTimeoutSeconds is not set on request."},
		{"negative delay", func(r *request) { r.DelayStartSeconds = ptr(int32(-1)) }, "A valid DelayStartSeconds is not set on request."},
		{"bad cron", func(r *request) { r.CronSchedule = ptr("every tuesday") }, "Invalid CronSchedule"},
		{"retry without limit", retryOf(1, 1, 0),
			"MaximumAttempts and ExpirationIntervalInSeconds are both 0. At least one of them must be specified."},
		{"retry coefficient", retryOf(1, 0.5, 3), "BackoffCoefficient cannot be less than 1 on retry policy."},
		{"retry interval", retryOf(0, 1, 3), "InitialIntervalInSeconds must be greater than 0 on retry policy."},
		{"huge input", func(r *request) { r.Input = make([]byte, 2<<20+1) }, "Blob data size exceeds limit."},
		{"long workflow id", func(r *request) { r.WorkflowId = ptr(strings.Repeat("w", 1001)) }, "WorkflowID length exceeds limit."},
		{"no domain", func(r *request) { r.Domain = nil }, "Domain name is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			request := startRequest(s, "end")
			c.spoil(request)
			ctx, done := s.call()
			defer done()
			_, err := service.StartWorkflowExecution(ctx, request)
			bad, ok := err.(*shared.BadRequestError)
			require.Truef(t, ok, "got %T: %v", err, err)
			require.Contains(t, bad.GetMessage(), c.text)
		})
	}
	ctx, done := s.call()
	defer done()
	unknown := startRequest(s, "end")
	unknown.Domain = ptr("no-such-domain")
	_, err := service.StartWorkflowExecution(ctx, unknown)
	require.IsType(t, &shared.EntityNotExistsError{}, err)
	require.Equal(t, "Domain no-such-domain does not exist.", err.(*shared.EntityNotExistsError).GetMessage())
}

func retryOf(interval int32, coefficient float64, attempts int32) func(*shared.StartWorkflowExecutionRequest) {
	return func(r *shared.StartWorkflowExecutionRequest) {
		r.RetryPolicy = &shared.RetryPolicy{
			InitialIntervalInSeconds: &interval, BackoffCoefficient: &coefficient, MaximumAttempts: &attempts,
		}
	}
}
