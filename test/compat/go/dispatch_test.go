// dispatch_test.go speaks the worker protocol by hand where tasks are handed out: sticky lists, queries, local dispatch.
package compat

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
)

func (m *manual) pollList(list string) *shared.PollForDecisionTaskResponse {
	m.Helper()
	normal := m.taskList
	m.taskList = list
	defer func() { m.taskList = normal }()
	return m.poll()
}

func stickyTo(list string, seconds int32) func(*shared.RespondDecisionTaskCompletedRequest) {
	return func(r *shared.RespondDecisionTaskCompletedRequest) {
		r.StickyAttributes = &shared.StickyExecutionAttributes{
			WorkerTaskList:                &shared.TaskList{Name: &list, Kind: ptr(shared.TaskListKindSticky)},
			ScheduleToStartTimeoutSeconds: &seconds,
		}
	}
}

func TestStickyTaskCarriesOnlyNewEvents(t *testing.T) {
	m := newManual(t)
	sticky := m.taskList + "-sticky"
	task := m.poll()
	require.Len(t, task.GetHistory().GetEvents(), 3)
	require.Nil(t, task.PreviousStartedEventId)
	polled := make(chan *shared.PollForDecisionTaskResponse, 1)
	go func() { polled <- m.pollSticky(sticky) }() // a sticky list without poller is not used
	_, err := m.respondWith(task, stickyTo(sticky, 10))
	require.NoError(t, err)
	<-time.After(200 * time.Millisecond)
	m.signal(m.run, "word", 1)
	task = <-polled
	require.NotNil(t, task)
	require.Equal(t, int64(3), task.GetPreviousStartedEventId())
	require.Empty(t, matchSequence(`DecisionTaskCompleted WorkflowExecutionSignaled DecisionTaskScheduled DecisionTaskStarted`,
		eventNames(task.GetHistory().GetEvents())))
	require.NoError(t, m.respond(task, completeDecision()))
	m.expect(`Begin WorkflowExecutionSignaled Decide Complete`)
}

// pollSticky polls once, off the test's goroutine.
func (m *manual) pollSticky(list string) *shared.PollForDecisionTaskResponse {
	ctx, done := context.WithTimeout(m.ctx, 20*time.Second)
	defer done()
	task, err := service.PollForDecisionTask(ctx, &shared.PollForDecisionTaskRequest{
		Domain:   &domain,
		TaskList: &shared.TaskList{Name: &list, Kind: ptr(shared.TaskListKindSticky)},
		Identity: ptr("manual"),
	})
	if err != nil || len(task.GetTaskToken()) == 0 {
		return nil
	}
	return task
}

// A sticky list whose worker went away gives its decision back after the sticky timeout, as the same attempt.
func TestStickyTimeoutReturnsToNormalList(t *testing.T) {
	m := newManual(t)
	sticky := m.taskList + "-sticky"
	ctx, done := context.WithTimeout(m.ctx, 3*time.Second)
	_, err := service.PollForDecisionTask(ctx, &shared.PollForDecisionTaskRequest{
		Domain: &domain, TaskList: &shared.TaskList{Name: &sticky, Kind: ptr(shared.TaskListKindSticky)}, Identity: ptr("manual"),
	})
	done()
	require.NoError(t, err)
	_, err = m.respondWith(m.poll(), stickyTo(sticky, 1))
	require.NoError(t, err)
	m.signal(m.run, "word", 1)
	task := m.poll()
	require.Equal(t, int64(0), task.GetAttempt())
	events := m.expect(`Begin WorkflowExecutionSignaled DecisionTaskScheduled DecisionTaskTimedOut DecisionTaskScheduled DecisionTaskStarted`)
	timedOut := only(m.scenario, events, shared.EventTypeDecisionTaskTimedOut).DecisionTaskTimedOutEventAttributes
	require.Equal(t, shared.TimeoutTypeScheduleToStart, timedOut.GetTimeoutType())
	require.Equal(t, events[0].GetEventId(), task.GetHistory().GetEvents()[0].GetEventId(), "the whole history")
}

func TestResetStickyTaskList(t *testing.T) {
	m := newManual(t)
	_, err := m.respondWith(m.poll(), stickyTo(m.taskList+"-sticky", 30))
	require.NoError(t, err)
	ctx, done := m.call()
	defer done()
	_, err = service.ResetStickyTaskList(ctx, &shared.ResetStickyTaskListRequest{Domain: &domain, Execution: m.execution(m.run)})
	require.NoError(t, err)
	m.signal(m.run, "word", 1)
	require.NoError(t, m.respond(m.poll(), completeDecision()))
	m.expect(`Begin WorkflowExecutionSignaled Decide Complete`)
}

type queryAnswer struct {
	response *shared.QueryWorkflowResponse
	err      error
}

func (m *manual) query(level shared.QueryConsistencyLevel) chan queryAnswer {
	answers := make(chan queryAnswer, 1)
	go func() {
		ctx, done := context.WithTimeout(m.ctx, 20*time.Second)
		defer done()
		response, err := service.QueryWorkflow(ctx, &shared.QueryWorkflowRequest{
			Domain: &domain, Execution: m.execution(m.run),
			Query:                 &shared.WorkflowQuery{QueryType: ptr("state"), QueryArgs: []byte(`"args"`)},
			QueryConsistencyLevel: &level,
		})
		answers <- queryAnswer{response, err}
	}()
	return answers
}

func TestQueryTask(t *testing.T) {
	m := newManual(t)
	require.NoError(t, m.respond(m.poll(), timerDecision("t", 30)))
	for _, c := range []struct {
		completion shared.QueryTaskCompletedType
		text       string
	}{{shared.QueryTaskCompletedTypeCompleted, ""}, {shared.QueryTaskCompletedTypeFailed, "no such state"}} {
		answers := m.query(shared.QueryConsistencyLevelEventual)
		task := m.poll()
		require.Equal(t, "state", task.GetQuery().GetQueryType())
		require.Equal(t, `"args"`, string(task.GetQuery().GetQueryArgs()))
		require.Empty(t, matchSequence(`Begin TimerStarted`, eventNames(task.GetHistory().GetEvents())))
		ctx, done := m.call()
		require.NoError(t, service.RespondQueryTaskCompleted(ctx, &shared.RespondQueryTaskCompletedRequest{
			TaskToken: task.TaskToken, CompletedType: &c.completion, QueryResult: []byte(`"fine"`), ErrorMessage: &c.text,
		}))
		done()
		answer := <-answers
		if c.text == "" {
			require.NoError(t, answer.err)
			require.Equal(t, `"fine"`, string(answer.response.GetQueryResult()))
			continue
		}
		require.IsType(t, &shared.QueryFailedError{}, answer.err)
		require.Equal(t, c.text, answer.err.(*shared.QueryFailedError).GetMessage())
	}
	m.expect(`Begin TimerStarted`)
}

// A strong query that meets a decision rides on the next decision task, and is answered by its completion.
func TestQueryRidesOnDecisionTask(t *testing.T) {
	m := newManual(t)
	require.NoError(t, m.respond(m.poll(), timerDecision("t", 30)))
	m.signal(m.run, "word", 1)
	answers := m.query(shared.QueryConsistencyLevelStrong)
	<-time.After(500 * time.Millisecond)
	task := m.poll()
	require.Len(t, task.GetQueries(), 1)
	results := map[string]*shared.WorkflowQueryResult{}
	for id, query := range task.GetQueries() {
		require.Equal(t, "state", query.GetQueryType())
		results[id] = &shared.WorkflowQueryResult{ResultType: ptr(shared.QueryResultTypeAnswered), Answer: []byte(`"now"`)}
	}
	_, err := m.respondWith(task, func(r *shared.RespondDecisionTaskCompletedRequest) { r.QueryResults = results })
	require.NoError(t, err)
	answer := <-answers
	require.NoError(t, answer.err)
	require.Equal(t, `"now"`, string(answer.response.GetQueryResult()))
	m.expect(`Begin TimerStarted WorkflowExecutionSignaled Decide`)
}

func TestHeartbeatTellsOfCancelRequest(t *testing.T) {
	m := newManual(t)
	require.NoError(t, m.respond(m.poll(), m.activityDecision("a")))
	task := m.pollActivity()
	require.Equal(t, "a", task.GetActivityId())
	require.Equal(t, "manual", task.GetWorkflowType().GetName())
	require.Equal(t, domain, task.GetWorkflowDomain())
	require.NotZero(t, task.GetScheduledTimestamp())
	heartbeat := func() bool {
		ctx, done := m.call()
		defer done()
		response, err := service.RecordActivityTaskHeartbeat(ctx, &shared.RecordActivityTaskHeartbeatRequest{TaskToken: task.TaskToken})
		require.NoError(t, err)
		return response.GetCancelRequested()
	}
	require.False(t, heartbeat())
	m.signal(m.run, "word", 1)
	require.NoError(t, m.respond(m.poll(), cancelActivityDecision("a")))
	require.True(t, heartbeat())
	m.complete(task) // an activity may ignore its cancellation
	m.expect(`Begin ActivityTaskScheduled ActivityTaskStarted WorkflowExecutionSignaled Decide ActivityTaskCancelRequested
		ActivityTaskCompleted DecisionTaskScheduled`)
}

// A worker may take an activity along with the answer to its decision, past the task list.
func TestActivityDispatchedLocally(t *testing.T) {
	m := newManual(t)
	response, err := m.respondWith(m.poll(), func(*shared.RespondDecisionTaskCompletedRequest) {},
		m.activityDecision("near", func(a *shared.ScheduleActivityTaskDecisionAttributes) { a.RequestLocalDispatch = ptr(true) }),
		m.activityDecision("far"))
	require.NoError(t, err)
	require.Len(t, response.GetActivitiesToDispatchLocally(), 1)
	near := response.GetActivitiesToDispatchLocally()["near"]
	require.NotEmpty(t, near.GetTaskToken())
	m.expect(`Begin ActivityTaskScheduled ActivityTaskScheduled ActivityTaskStarted`)
	ctx, done := m.call()
	defer done()
	require.NoError(t, service.RespondActivityTaskCompleted(ctx, &shared.RespondActivityTaskCompletedRequest{TaskToken: near.TaskToken}))
	require.Equal(t, "far", m.pollActivity().GetActivityId())
	m.expect(`Begin ActivityTaskScheduled ActivityTaskScheduled ActivityTaskStarted ActivityTaskCompleted DecisionTaskScheduled ActivityTaskStarted`)
}

func TestTaskTokensOutliveNothing(t *testing.T) {
	m := newManual(t)
	task := m.poll()
	require.NoError(t, m.respond(task, m.activityDecision("a")))
	require.IsType(t, &shared.EntityNotExistsError{}, m.respond(task), "a decision is answered once")
	activityTask := m.pollActivity()
	m.complete(activityTask)
	ctx, done := m.call()
	defer done()
	again := service.RespondActivityTaskCompleted(ctx, &shared.RespondActivityTaskCompletedRequest{TaskToken: activityTask.TaskToken})
	require.IsType(t, &shared.EntityNotExistsError{}, again)
	require.Equal(t, "activity task not found", again.(*shared.EntityNotExistsError).GetMessage())
	for _, token := range [][]byte{[]byte("garbage"), nil} {
		require.Error(t, service.RespondActivityTaskCompleted(ctx, &shared.RespondActivityTaskCompletedRequest{TaskToken: token}))
		require.Error(t, m.respond(&shared.PollForDecisionTaskResponse{TaskToken: token}))
	}
}
