package compat

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

// queryable counts the "add" signals, and ends with the outcome that the "end" signal names.
func queryable(ctx workflow.Context) error {
	total := 0
	_ = workflow.SetQueryHandler(ctx, "total", func() (int, error) { return total, nil })
	_ = workflow.SetQueryHandler(ctx, "plus", func(n int) (int, error) { return total + n, nil })
	_ = workflow.SetQueryHandler(ctx, "fails", func() (int, error) { return 0, errors.New("handler refused") })
	outcome := ""
	selector := workflow.NewSelector(ctx)
	selector.AddReceive(workflow.GetSignalChannel(ctx, "add"), func(c workflow.Channel, _ bool) {
		var n int
		c.Receive(ctx, &n)
		total += n
	})
	selector.AddReceive(workflow.GetSignalChannel(ctx, "end"), func(c workflow.Channel, _ bool) { c.Receive(ctx, &outcome) })
	for outcome == "" {
		selector.Select(ctx)
	}
	if outcome != "ok" {
		return cadence.NewCustomError(outcome)
	}
	return nil
}

func (s *scenario) queryTotal(run client.WorkflowRun, query string, args ...any) int {
	s.Helper()
	value, err := s.client.QueryWorkflow(s.ctx, run.GetID(), run.GetRunID(), query, args...)
	require.NoError(s, err)
	var total int
	require.NoError(s, value.Get(&total))
	return total
}

func TestQueryWhileOpenAndAfterClose(t *testing.T) {
	s := newScenario(t)
	s.workflow("queryable", queryable)
	s.startWorker()
	run := s.start("queryable")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	require.Equal(t, 0, s.queryTotal(run, "total"))
	require.Equal(t, 7, s.queryTotal(run, "plus", 7))
	s.signal(run, "add", 3)
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	require.Equal(t, 3, s.queryTotal(run, "total"))
	s.signal(run, "end", "ok")
	require.NoError(t, run.Get(s.ctx, nil))
	require.Equal(t, 3, s.queryTotal(run, "total"))
	// Queries leave nothing in the history.
	s.expectHistory(run, `Begin WorkflowExecutionSignaled Decide WorkflowExecutionSignaled Decide Complete`)
}

func TestQueryWithoutSticky(t *testing.T) {
	s := newScenario(t)
	s.workflow("queryable", queryable)
	s.startWorker(func(o *worker.Options) { o.DisableStickyExecution = true })
	run := s.start("queryable")
	s.signal(run, "add", 4)
	s.until("the signal is counted", func() bool { return s.queryTotal(run, "total") == 4 })
	require.Equal(t, 5, s.queryTotal(run, "plus", 1))
}

func TestQueryErrors(t *testing.T) {
	s := newScenario(t)
	s.workflow("queryable", queryable)
	s.startWorker()
	run := s.start("queryable")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)

	_, err := s.client.QueryWorkflow(s.ctx, run.GetID(), run.GetRunID(), "nonsense")
	require.IsType(t, &shared.QueryFailedError{}, err)
	require.Contains(t, err.Error(), "unknown queryType nonsense")

	_, err = s.client.QueryWorkflow(s.ctx, run.GetID(), run.GetRunID(), "fails")
	require.IsType(t, &shared.QueryFailedError{}, err)
	require.Contains(t, err.Error(), "handler refused")

	_, err = s.client.QueryWorkflow(s.ctx, "no-such-workflow", "", "total")
	require.IsType(t, &shared.EntityNotExistsError{}, err)
}

func TestQueryBeforeFirstDecision(t *testing.T) {
	s := newScenario(t)
	run := s.start("nobody")
	ctx, cancel := context.WithTimeout(s.ctx, 3*time.Second)
	defer cancel()
	_, err := service.QueryWorkflow(ctx, &shared.QueryWorkflowRequest{
		Domain:    &domain,
		Execution: &shared.WorkflowExecution{WorkflowId: ptr(run.GetID())},
		Query:     &shared.WorkflowQuery{QueryType: ptr("total")},
	})
	require.IsType(t, &shared.QueryFailedError{}, err)
	require.Contains(t, err.Error(), "workflow must handle at least one decision task before it can be queried")
}

func TestQueryStackTrace(t *testing.T) {
	s := newScenario(t)
	s.workflow("queryable", queryable)
	s.startWorker()
	run := s.start("queryable")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	value, err := s.client.QueryWorkflow(s.ctx, run.GetID(), "", client.QueryTypeStackTrace)
	require.NoError(t, err)
	var trace string
	require.NoError(t, value.Get(&trace))
	require.Contains(t, trace, "queryable")
	require.Contains(t, trace, "[blocked on selector")
}

func TestQueryRejectConditions(t *testing.T) {
	s := newScenario(t)
	s.workflow("queryable", queryable)
	s.startWorker()
	query := func(run client.WorkflowRun, condition shared.QueryRejectCondition) *shared.QueryRejected {
		response, err := s.client.QueryWorkflowWithOptions(s.ctx, &client.QueryWorkflowWithOptionsRequest{
			WorkflowID: run.GetID(), RunID: run.GetRunID(), QueryType: "total", QueryRejectCondition: &condition,
		})
		require.NoError(t, err)
		return response.QueryRejected
	}
	open := s.start("queryable")
	s.untilEvent(open, shared.EventTypeDecisionTaskCompleted)
	require.Nil(t, query(open, shared.QueryRejectConditionNotOpen))
	require.Nil(t, query(open, shared.QueryRejectConditionNotCompletedCleanly))

	s.signal(open, "end", "ok")
	require.NoError(t, open.Get(s.ctx, nil))
	require.Equal(t, shared.WorkflowExecutionCloseStatusCompleted, query(open, shared.QueryRejectConditionNotOpen).GetCloseStatus())
	require.Nil(t, query(open, shared.QueryRejectConditionNotCompletedCleanly))

	failed := s.start("queryable")
	s.signal(failed, "end", "badly")
	require.Error(t, failed.Get(s.ctx, nil))
	require.Equal(t, shared.WorkflowExecutionCloseStatusFailed, query(failed, shared.QueryRejectConditionNotOpen).GetCloseStatus())
	require.Equal(t, shared.WorkflowExecutionCloseStatusFailed, query(failed, shared.QueryRejectConditionNotCompletedCleanly).GetCloseStatus())
}

func TestQueryStronglyConsistent(t *testing.T) {
	s := newScenario(t)
	s.workflow("queryable", queryable)
	s.startWorker()
	run := s.start("queryable")
	s.untilEvent(run, shared.EventTypeDecisionTaskCompleted)
	for want := 1; want <= 20; want++ {
		s.signal(run, "add", 1)
		response, err := s.client.QueryWorkflowWithOptions(s.ctx, &client.QueryWorkflowWithOptionsRequest{
			WorkflowID: run.GetID(), RunID: run.GetRunID(), QueryType: "total",
			QueryConsistencyLevel: ptr(shared.QueryConsistencyLevelStrong),
		})
		require.NoError(t, err)
		var total int
		require.NoError(t, response.QueryResult.Get(&total))
		require.Equal(t, want, total, "a strong query sees every signal accepted before it")
	}
	s.signal(run, "end", "ok")
	require.NoError(t, run.Get(s.ctx, nil))
}
