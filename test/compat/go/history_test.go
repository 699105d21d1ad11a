package compat

import (
	"context"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

func TestLongPollFollowsHistory(t *testing.T) {
	s := newScenario(t)
	s.workflow("nap", func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Second) })
	run := s.start("nap")
	iter := s.client.GetWorkflowHistory(s.ctx, run.GetID(), run.GetRunID(), true, shared.HistoryEventFilterTypeAllEvent)
	var events []*shared.HistoryEvent
	for iter.HasNext() {
		event, err := iter.Next()
		require.NoError(t, err)
		events = append(events, event)
		if len(events) == 2 { // the history up to here existed; the rest arrives while the poll waits
			s.startWorker()
		}
	}
	require.Empty(t, matchSequence(`Begin TimerStarted TimerFired Decide Complete`, eventNames(events)))
	require.Equal(t, s.history(run.GetID(), run.GetRunID()), events)
}

func TestCloseEventFilter(t *testing.T) {
	s := newScenario(t)
	s.workflow("nap", func(ctx workflow.Context) error { return workflow.Sleep(ctx, time.Second) })
	s.startWorker()
	run := s.start("nap")
	for _, longPoll := range []bool{true, false} {
		iter := s.client.GetWorkflowHistory(s.ctx, run.GetID(), run.GetRunID(), longPoll, shared.HistoryEventFilterTypeCloseEvent)
		require.True(t, iter.HasNext())
		event, err := iter.Next()
		require.NoError(t, err)
		require.Equal(t, shared.EventTypeWorkflowExecutionCompleted, event.GetEventType())
		require.Equal(t, int64(10), event.GetEventId())
		require.False(t, iter.HasNext())
	}
}

func (s *scenario) historyPage(run client.WorkflowRun, adjust func(*shared.GetWorkflowExecutionHistoryRequest)) *shared.GetWorkflowExecutionHistoryResponse {
	s.Helper()
	request := &shared.GetWorkflowExecutionHistoryRequest{Domain: &domain, Execution: s.execution(run)}
	adjust(request)
	ctx, done := context.WithTimeout(s.ctx, 4*time.Second)
	defer done()
	page, err := service.GetWorkflowExecutionHistory(ctx, request)
	require.NoError(s, err)
	return page
}

func TestCloseEventFilterOnOpenWorkflow(t *testing.T) {
	s := newScenario(t)
	run := s.start("nobody")
	closeOnly := shared.HistoryEventFilterTypeCloseEvent
	page := s.historyPage(run, func(r *shared.GetWorkflowExecutionHistoryRequest) { r.HistoryEventFilterType = &closeOnly })
	require.Empty(t, page.GetHistory().GetEvents(), "an open workflow has no close event")
	require.Empty(t, page.GetNextPageToken())

	page = s.historyPage(run, func(r *shared.GetWorkflowExecutionHistoryRequest) {
		r.HistoryEventFilterType, r.WaitForNewEvent = &closeOnly, ptr(true)
	})
	require.Empty(t, page.GetHistory().GetEvents(), "a wait that ends without news is no error")
	require.NotEmpty(t, page.GetNextPageToken())
}

func TestHistoryPages(t *testing.T) {
	s := newScenario(t)
	s.workflow("naps", func(ctx workflow.Context) error {
		for range 2 {
			if err := workflow.Sleep(ctx, time.Second); err != nil {
				return err
			}
		}
		return nil
	})
	s.startWorker()
	run := s.start("naps")
	require.NoError(t, run.Get(s.ctx, nil))
	whole := s.expectHistory(run, `Begin (TimerStarted TimerFired Decide){2} Complete`)

	var events []*shared.HistoryEvent
	var token []byte
	pages := 0
	for more := true; more; more = len(token) > 0 {
		page := s.historyPage(run, func(r *shared.GetWorkflowExecutionHistoryRequest) {
			r.MaximumPageSize, r.NextPageToken = ptr(int32(3)), token
		})
		events = append(events, page.GetHistory().GetEvents()...)
		token = page.GetNextPageToken()
		pages++
	}
	require.Equal(t, whole, events)
	require.Greater(t, pages, 2)
}

func TestHistoryOfUnknownWorkflow(t *testing.T) {
	s := newScenario(t)
	for _, execution := range []*shared.WorkflowExecution{
		{WorkflowId: ptr("no-such-workflow")},
		{WorkflowId: ptr("no-such-workflow"), RunId: ptr(uuid.New())},
	} {
		ctx, done := s.call()
		_, err := service.GetWorkflowExecutionHistory(ctx, &shared.GetWorkflowExecutionHistoryRequest{Domain: &domain, Execution: execution})
		require.IsType(t, &shared.EntityNotExistsError{}, err)
		_, err = service.DescribeWorkflowExecution(ctx, &shared.DescribeWorkflowExecutionRequest{Domain: &domain, Execution: execution})
		require.IsType(t, &shared.EntityNotExistsError{}, err)
		done()
	}
	ctx, done := s.call()
	defer done()
	_, err := service.DescribeWorkflowExecution(ctx, &shared.DescribeWorkflowExecutionRequest{
		Domain: &domain, Execution: &shared.WorkflowExecution{WorkflowId: ptr("w"), RunId: ptr("not-a-uuid")},
	})
	require.IsType(t, &shared.BadRequestError{}, err)
	require.Equal(t, "Invalid RunId.", err.(*shared.BadRequestError).GetMessage())
}

func TestDescribeOpenAndClosed(t *testing.T) {
	s := newScenario(t)
	s.workflow("child", collectSignals)
	s.activity("external", blockUntilDone)
	s.workflow("parent", func(ctx workflow.Context, childID string) error {
		child := workflow.ExecuteChildWorkflow(children(ctx, childID), "child", 1)
		work := workflow.ExecuteActivity(activities(ctx, func(o *workflow.ActivityOptions) {
			o.HeartbeatTimeout = 20 * time.Second
		}), "external")
		_ = child.Get(ctx, nil)
		_ = work
		return nil
	})
	s.startWorker()
	childID := "child-" + uuid.New()
	run := s.startWith(s.startOptions(func(o *client.StartWorkflowOptions) { o.Memo = map[string]any{"note": "hello"} }), "parent", childID)
	s.untilEvent(run, childStarted)
	s.untilEvent(run, activityStarted)
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)

	described := s.describe(run)
	require.Equal(t, s.taskList, described.GetExecutionConfiguration().GetTaskList().GetName())
	require.Equal(t, int32(60), described.GetExecutionConfiguration().GetExecutionStartToCloseTimeoutSeconds())
	require.Equal(t, int32(10), described.GetExecutionConfiguration().GetTaskStartToCloseTimeoutSeconds())
	info := described.GetWorkflowExecutionInfo()
	require.Equal(t, run.GetRunID(), info.GetExecution().GetRunId())
	require.Equal(t, "parent", info.GetType().GetName())
	require.Nil(t, info.CloseStatus)
	require.Nil(t, info.CloseTime)
	require.NotZero(t, info.GetStartTime())
	require.JSONEq(t, `"hello"`, string(info.GetMemo().GetFields()["note"]))
	require.Equal(t, int64(len(s.rawHistory(run.GetID(), run.GetRunID()))), info.GetHistoryLength())

	require.Len(t, described.GetPendingActivities(), 1)
	pending := described.GetPendingActivities()[0]
	require.Equal(t, "external", pending.GetActivityType().GetName())
	require.Equal(t, shared.PendingActivityStateStarted, pending.GetState())
	require.NotZero(t, pending.GetLastStartedTimestamp())
	require.Len(t, described.GetPendingChildren(), 1)
	require.Equal(t, childID, described.GetPendingChildren()[0].GetWorkflowID())
	require.Equal(t, "child", described.GetPendingChildren()[0].GetWorkflowTypName())
	require.Nil(t, described.GetPendingDecision())

	require.NoError(t, s.client.SignalWorkflow(s.ctx, childID, "", "number", 1))
	require.NoError(t, run.Get(s.ctx, nil))
	described = s.describe(run)
	require.Equal(t, shared.WorkflowExecutionCloseStatusCompleted, described.GetWorkflowExecutionInfo().GetCloseStatus())
	require.NotZero(t, described.GetWorkflowExecutionInfo().GetCloseTime())
	childDescription, err := s.client.DescribeWorkflowExecution(s.ctx, childID, "")
	require.NoError(t, err)
	require.Equal(t, run.GetID(), childDescription.GetWorkflowExecutionInfo().GetParentExecution().GetWorkflowId())
}

func TestDescribePendingDecision(t *testing.T) {
	m := newManual(t)
	pending := m.describe(m.run).GetPendingDecision()
	require.Equal(t, shared.PendingDecisionStateScheduled, pending.GetState())
	task := m.poll()
	pending = m.describe(m.run).GetPendingDecision()
	require.Equal(t, shared.PendingDecisionStateStarted, pending.GetState())
	require.NotZero(t, pending.GetStartedTimestamp())
	require.NoError(t, m.respond(task, timerDecision("t", 30)))
	require.Nil(t, m.describe(m.run).GetPendingDecision())
}

func TestDescribeTaskListPollers(t *testing.T) {
	s := newScenario(t)
	s.workflow("plain", func(workflow.Context) error { return nil })
	s.activity("noop", func(context.Context) error { return nil }) // without one, the worker does not poll for activities
	s.startWorker()
	require.NoError(t, s.start("plain").Get(s.ctx, nil))
	for _, kind := range []shared.TaskListType{shared.TaskListTypeDecision, shared.TaskListTypeActivity} {
		s.until("the worker is listed", func() bool {
			described, err := s.client.DescribeTaskList(s.ctx, s.taskList, kind)
			require.NoError(t, err)
			return len(described.GetPollers()) == 1 && described.GetPollers()[0].GetIdentity() == s.taskList+"-worker-1" &&
				described.GetPollers()[0].GetLastAccessTime() > 0
		})
	}
}

func TestTaskListBacklog(t *testing.T) {
	s := newScenario(t)
	const count = 5
	for range count {
		s.start("nobody")
	}
	s.until("the backlog is counted", func() bool {
		ctx, done := s.call()
		defer done()
		described, err := service.DescribeTaskList(ctx, &shared.DescribeTaskListRequest{
			Domain: &domain, TaskList: &shared.TaskList{Name: &s.taskList},
			TaskListType: ptr(shared.TaskListTypeDecision), IncludeTaskListStatus: ptr(true),
		})
		require.NoError(t, err)
		require.Empty(t, described.GetPollers())
		return described.GetTaskListStatus().GetBacklogCountHint() == count
	})
	s.workflow("nobody", func(workflow.Context) error { return nil })
	s.startWorker()
}
