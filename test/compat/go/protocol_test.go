// protocol_test.go speaks the worker protocol by hand, which makes races of the server deterministic.
package compat

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
)

// manual is a workflow whose decisions the test itself makes.
type manual struct {
	*scenario
	run client.WorkflowRun
}

func newManual(t *testing.T, adjust ...func(*client.StartWorkflowOptions)) *manual {
	s := newScenario(t)
	m := &manual{scenario: s, run: s.startWith(s.startOptions(adjust...), "manual")}
	t.Cleanup(func() {
		_ = s.client.TerminateWorkflow(context.Background(), m.run.GetID(), "", "end of test", nil)
	})
	return m
}

func shortDecisions(o *client.StartWorkflowOptions) { o.DecisionTaskStartToCloseTimeout = time.Second }

// poll waits for the next decision task; empty answers of the long poll are asked again.
func (m *manual) poll() *shared.PollForDecisionTaskResponse {
	m.Helper()
	for {
		ctx, done := context.WithTimeout(m.ctx, 15*time.Second)
		task, err := service.PollForDecisionTask(ctx, &shared.PollForDecisionTaskRequest{
			Domain:   &domain,
			TaskList: &shared.TaskList{Name: &m.taskList},
			Identity: ptr("manual"),
		})
		done()
		require.NoError(m, err)
		if len(task.GetTaskToken()) > 0 {
			return task
		}
	}
}

func (m *manual) pollActivity() *shared.PollForActivityTaskResponse {
	m.Helper()
	for {
		ctx, done := context.WithTimeout(m.ctx, 15*time.Second)
		task, err := service.PollForActivityTask(ctx, &shared.PollForActivityTaskRequest{
			Domain:   &domain,
			TaskList: &shared.TaskList{Name: &m.taskList},
			Identity: ptr("manual"),
		})
		done()
		require.NoError(m, err)
		if len(task.GetTaskToken()) > 0 {
			return task
		}
	}
}

func (m *manual) respond(task *shared.PollForDecisionTaskResponse, decisions ...*shared.Decision) error {
	_, err := m.respondWith(task, func(*shared.RespondDecisionTaskCompletedRequest) {}, decisions...)
	return err
}

func (m *manual) respondWith(task *shared.PollForDecisionTaskResponse, adjust func(*shared.RespondDecisionTaskCompletedRequest),
	decisions ...*shared.Decision) (*shared.RespondDecisionTaskCompletedResponse, error) {
	ctx, done := m.call()
	defer done()
	request := &shared.RespondDecisionTaskCompletedRequest{TaskToken: task.TaskToken, Decisions: decisions, Identity: ptr("manual")}
	adjust(request)
	return service.RespondDecisionTaskCompleted(ctx, request)
}

func (m *manual) expect(pattern string) []*shared.HistoryEvent {
	m.Helper()
	return m.expectHistory(m.run, pattern)
}

func completeDecision() *shared.Decision {
	return &shared.Decision{
		DecisionType: ptr(shared.DecisionTypeCompleteWorkflowExecution),
		CompleteWorkflowExecutionDecisionAttributes: &shared.CompleteWorkflowExecutionDecisionAttributes{Result: []byte(`"done"`)},
	}
}

func timerDecision(id string, seconds int64) *shared.Decision {
	return &shared.Decision{
		DecisionType:                 ptr(shared.DecisionTypeStartTimer),
		StartTimerDecisionAttributes: &shared.StartTimerDecisionAttributes{TimerId: &id, StartToFireTimeoutSeconds: &seconds},
	}
}

func cancelTimerDecision(id string) *shared.Decision {
	return &shared.Decision{
		DecisionType:                  ptr(shared.DecisionTypeCancelTimer),
		CancelTimerDecisionAttributes: &shared.CancelTimerDecisionAttributes{TimerId: &id},
	}
}

func (m *manual) activityDecision(id string, adjust ...func(*shared.ScheduleActivityTaskDecisionAttributes)) *shared.Decision {
	attributes := &shared.ScheduleActivityTaskDecisionAttributes{
		ActivityId:                    &id,
		ActivityType:                  &shared.ActivityType{Name: ptr("manual-activity")},
		TaskList:                      &shared.TaskList{Name: &m.taskList},
		ScheduleToStartTimeoutSeconds: ptr(int32(20)),
		StartToCloseTimeoutSeconds:    ptr(int32(20)),
		ScheduleToCloseTimeoutSeconds: ptr(int32(20)),
		HeartbeatTimeoutSeconds:       ptr(int32(0)),
	}
	for _, apply := range adjust {
		apply(attributes)
	}
	return &shared.Decision{DecisionType: ptr(shared.DecisionTypeScheduleActivityTask), ScheduleActivityTaskDecisionAttributes: attributes}
}

func cancelActivityDecision(id string) *shared.Decision {
	return &shared.Decision{
		DecisionType: ptr(shared.DecisionTypeRequestCancelActivityTask),
		RequestCancelActivityTaskDecisionAttributes: &shared.RequestCancelActivityTaskDecisionAttributes{ActivityId: &id},
	}
}

func TestUnhandledDecision(t *testing.T) {
	m := newManual(t)
	task := m.poll()
	m.signal(m.run, "late", 1)
	m.expect(`WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted`) // the signal is buffered
	require.NoError(t, m.respond(task, completeDecision()), "the worker is not told")
	events := m.expect(`WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed
		WorkflowExecutionSignaled DecisionTaskScheduled`)
	failed := only(m.scenario, events, shared.EventTypeDecisionTaskFailed).DecisionTaskFailedEventAttributes
	require.Equal(t, shared.DecisionTaskFailedCauseUnhandledDecision, failed.GetCause())
	task = m.poll()
	require.Equal(t, int64(0), task.GetAttempt(), "another event makes it a new decision")
	require.NoError(t, m.respond(task, completeDecision()))
	m.expect(`WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed
		WorkflowExecutionSignaled Decide Complete`)
}

func TestBufferedEventsFollowTheDecision(t *testing.T) {
	m := newManual(t)
	require.NoError(t, m.respond(m.poll(), m.activityDecision("a"), m.activityDecision("b")))
	first, second := m.pollActivity(), m.pollActivity()
	m.complete(first)
	task := m.poll()
	m.complete(second)
	m.signal(m.run, "word", 1)
	require.NoError(t, m.respond(task, timerDecision("t", 30)))
	// Ends of activities come after the other buffered events, although this one came first.
	m.expect(`Begin ActivityTaskScheduled ActivityTaskScheduled ActivityTaskStarted ActivityTaskStarted ActivityTaskCompleted
		Decide TimerStarted WorkflowExecutionSignaled ActivityTaskCompleted DecisionTaskScheduled`)
}

func (m *manual) complete(task *shared.PollForActivityTaskResponse) {
	m.Helper()
	ctx, done := m.call()
	defer done()
	require.NoError(m, service.RespondActivityTaskCompleted(ctx, &shared.RespondActivityTaskCompletedRequest{TaskToken: task.TaskToken}))
}

func TestDecisionTimeoutIsRetriedTransiently(t *testing.T) {
	m := newManual(t, shortDecisions)
	late := m.poll()
	m.untilEvent(m.run, shared.EventTypeDecisionTaskTimedOut)
	task := m.poll()
	require.Equal(t, int64(1), task.GetAttempt())
	// The retried decision's task carries its two events, although the stored history does not have them yet.
	require.Empty(t, matchSequence(`WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskTimedOut
		DecisionTaskScheduled DecisionTaskStarted`, eventNames(task.GetHistory().GetEvents())))
	require.IsType(t, &shared.EntityNotExistsError{}, m.respond(late, completeDecision()))
	require.NoError(t, m.respond(task, completeDecision()))
	events := m.expect(`WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskTimedOut Decide Complete`)
	timedOut := only(m.scenario, events, shared.EventTypeDecisionTaskTimedOut).DecisionTaskTimedOutEventAttributes
	require.Equal(t, shared.TimeoutTypeStartToClose, timedOut.GetTimeoutType())
	require.Equal(t, int64(1), events[4].DecisionTaskScheduledEventAttributes.GetAttempt())
}

func TestTransientDecisionLeavesNoEvents(t *testing.T) {
	m := newManual(t)
	m.fail(m.poll())
	const failedOnce = `WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed`
	for attempt := int64(1); attempt <= 2; attempt++ {
		task := m.poll()
		require.Equal(t, attempt, task.GetAttempt())
		m.expect(failedOnce)
		m.fail(task)
		m.expect(failedOnce)
	}
	// Another event makes the retried decision a real one again, but only when a worker takes it.
	m.signal(m.run, "word", 1)
	m.expect(failedOnce + ` WorkflowExecutionSignaled`)
	task := m.poll()
	require.Equal(t, int64(0), task.GetAttempt())
	m.expect(failedOnce + ` WorkflowExecutionSignaled DecisionTaskScheduled DecisionTaskStarted`)
	require.NoError(t, m.respond(task, completeDecision()))
	m.expect(failedOnce + ` WorkflowExecutionSignaled Decide Complete`)
}

func (m *manual) fail(task *shared.PollForDecisionTaskResponse) {
	m.Helper()
	ctx, done := m.call()
	defer done()
	require.NoError(m, service.RespondDecisionTaskFailed(ctx, &shared.RespondDecisionTaskFailedRequest{
		TaskToken: task.TaskToken,
		Cause:     ptr(shared.DecisionTaskFailedCauseWorkflowWorkerUnhandledFailure),
		Details:   []byte("broken"),
		Identity:  ptr("manual"),
	}))
}

func TestDecisionHeartbeat(t *testing.T) {
	m := newManual(t)
	response, err := m.respondWith(m.poll(), func(r *shared.RespondDecisionTaskCompletedRequest) {
		r.ForceCreateNewDecisionTask, r.ReturnNewDecisionTask = ptr(true), ptr(true)
	})
	require.NoError(t, err)
	next := response.GetDecisionTask()
	require.NotEmpty(t, next.GetTaskToken())
	m.expect(`Begin DecisionTaskScheduled DecisionTaskStarted`)
	require.NoError(t, m.respond(next, completeDecision()))
	m.expect(`Begin Decide Complete`)
}

func TestTerminateFlushesBufferedEvents(t *testing.T) {
	m := newManual(t)
	m.poll()
	m.signal(m.run, "late", 1)
	require.NoError(t, m.client.TerminateWorkflow(m.ctx, m.run.GetID(), "", "stop", nil))
	events := m.expect(`WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed
		WorkflowExecutionSignaled WorkflowExecutionTerminated`)
	failed := only(m.scenario, events, shared.EventTypeDecisionTaskFailed).DecisionTaskFailedEventAttributes
	require.Equal(t, shared.DecisionTaskFailedCauseForceCloseDecision, failed.GetCause())
}

func TestUnknownTimerAndActivityCancels(t *testing.T) {
	m := newManual(t)
	require.NoError(t, m.respond(m.poll(), cancelTimerDecision("nope"), cancelActivityDecision("nope"), timerDecision("t", 30)))
	// RequestCancelActivityTaskFailed is of the kind that gets buffered, so it follows all direct results of the decisions.
	events := m.expect(`Begin CancelTimerFailed ActivityTaskCancelRequested TimerStarted RequestCancelActivityTaskFailed`)
	require.Equal(t, "TIMER_ID_UNKNOWN", events[4].CancelTimerFailedEventAttributes.GetCause())
	require.Equal(t, "ACTIVITY_ID_UNKNOWN", events[7].RequestCancelActivityTaskFailedEventAttributes.GetCause())
}

// An activity that no worker has started is canceled at once. That event, too, follows the direct results.
func TestCancelOfUnstartedActivity(t *testing.T) {
	const before = `Begin ActivityTaskScheduled WorkflowExecutionSignaled Decide ActivityTaskCancelRequested `
	for _, c := range []struct {
		name     string
		decision *shared.Decision
		pattern  string
	}{
		{"and going on", timerDecision("t", 30), before + `TimerStarted ActivityTaskCanceled DecisionTaskScheduled`},
		{"and completing", completeDecision(), before + `Complete`},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newManual(t)
			require.NoError(t, m.respond(m.poll(), m.activityDecision("a")))
			m.signal(m.run, "word", 1)
			require.NoError(t, m.respond(m.poll(), cancelActivityDecision("a"), c.decision))
			m.expect(c.pattern)
		})
	}
}

func TestSecondCloseDecisionIsIgnored(t *testing.T) {
	m := newManual(t)
	require.NoError(t, m.respond(m.poll(), completeDecision(), completeDecision()))
	m.expect(`Begin Complete`)
}

func TestTimerFiredWhileBeingCanceled(t *testing.T) {
	m := newManual(t)
	require.NoError(t, m.respond(m.poll(), timerDecision("t", 3)))
	m.signal(m.run, "word", 1)
	task := m.poll()
	<-time.After(5 * time.Second) // the timer fires, and its event is buffered behind the decision
	m.expect(`Begin TimerStarted WorkflowExecutionSignaled DecisionTaskScheduled DecisionTaskStarted`)
	require.NoError(t, m.respond(task, cancelTimerDecision("t"), completeDecision()))
	// The cancellation takes the fired event back, so nothing is unhandled.
	m.expect(`Begin TimerStarted WorkflowExecutionSignaled Decide TimerCanceled Complete`)
}

func TestBadDecisionsFailTheDecision(t *testing.T) {
	for _, c := range []struct {
		name      string
		cause     shared.DecisionTaskFailedCause
		details   string
		decisions func(*manual) []*shared.Decision
	}{
		{"timer without id", shared.DecisionTaskFailedCauseBadStartTimerAttributes, "TimerId is not set on decision.", func(*manual) []*shared.Decision {
			return []*shared.Decision{timerDecision("", 1)}
		}},
		{"timer without time", shared.DecisionTaskFailedCauseBadStartTimerAttributes, "Invalid StartToFireTimeoutSeconds: 0", func(*manual) []*shared.Decision {
			return []*shared.Decision{timerDecision("t", 0)}
		}},
		{"same timer twice", shared.DecisionTaskFailedCauseStartTimerDuplicateID, "", func(*manual) []*shared.Decision {
			return []*shared.Decision{timerDecision("t", 5), timerDecision("t", 5)}
		}},
		{"activity without id", shared.DecisionTaskFailedCauseBadScheduleActivityAttributes, "ActivityId is not set on decision.", func(m *manual) []*shared.Decision {
			return []*shared.Decision{m.activityDecision("")}
		}},
		{"activity without timeouts", shared.DecisionTaskFailedCauseBadScheduleActivityAttributes, "A valid ScheduleToCloseTimeout is not set on decision.", func(m *manual) []*shared.Decision {
			return []*shared.Decision{m.activityDecision("a", func(a *shared.ScheduleActivityTaskDecisionAttributes) {
				a.ScheduleToCloseTimeoutSeconds, a.ScheduleToStartTimeoutSeconds, a.StartToCloseTimeoutSeconds = nil, nil, nil
			})}
		}},
		{"same activity twice", shared.DecisionTaskFailedCauseScheduleActivityDuplicateID, "", func(m *manual) []*shared.Decision {
			return []*shared.Decision{m.activityDecision("a"), m.activityDecision("a")}
		}},
		{"marker without name", shared.DecisionTaskFailedCauseBadRecordMarkerAttributes, "MarkerName is not set on decision.", func(*manual) []*shared.Decision {
			return []*shared.Decision{{
				DecisionType:                   ptr(shared.DecisionTypeRecordMarker),
				RecordMarkerDecisionAttributes: &shared.RecordMarkerDecisionAttributes{},
			}}
		}},
		{"failure without reason", shared.DecisionTaskFailedCauseBadFailWorkflowExecutionAttributes, "Reason is not set on decision.", func(*manual) []*shared.Decision {
			return []*shared.Decision{{
				DecisionType:                            ptr(shared.DecisionTypeFailWorkflowExecution),
				FailWorkflowExecutionDecisionAttributes: &shared.FailWorkflowExecutionDecisionAttributes{},
			}}
		}},
		{"child without type", shared.DecisionTaskFailedCauseBadStartChildExecutionAttributes, "Required field WorkflowType is not set on decision.", func(*manual) []*shared.Decision {
			return []*shared.Decision{{
				DecisionType: ptr(shared.DecisionTypeStartChildWorkflowExecution),
				StartChildWorkflowExecutionDecisionAttributes: &shared.StartChildWorkflowExecutionDecisionAttributes{WorkflowId: ptr("c")},
			}}
		}},
		{"signal with bad run id", shared.DecisionTaskFailedCauseBadSignalWorkflowExecutionAttributes, "Invalid RunId set on decision.", func(*manual) []*shared.Decision {
			return []*shared.Decision{{
				DecisionType: ptr(shared.DecisionTypeSignalExternalWorkflowExecution),
				SignalExternalWorkflowExecutionDecisionAttributes: &shared.SignalExternalWorkflowExecutionDecisionAttributes{
					Domain: &domain, SignalName: ptr("s"), Execution: &shared.WorkflowExecution{WorkflowId: ptr("w"), RunId: ptr("not-a-uuid")},
				},
			}}
		}},
		{"unknown search attribute", shared.DecisionTaskFailedCauseBadSearchAttributes, "NoSuchAttribute is not a valid search attribute key", func(*manual) []*shared.Decision {
			return []*shared.Decision{{
				DecisionType: ptr(shared.DecisionTypeUpsertWorkflowSearchAttributes),
				UpsertWorkflowSearchAttributesDecisionAttributes: &shared.UpsertWorkflowSearchAttributesDecisionAttributes{
					SearchAttributes: &shared.SearchAttributes{IndexedFields: map[string][]byte{"NoSuchAttribute": []byte(`"x"`)}},
				},
			}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newManual(t)
			require.NoError(t, m.respond(m.poll(), c.decisions(m)...), "the worker is not told")
			events := m.expect(`WorkflowExecutionStarted DecisionTaskScheduled DecisionTaskStarted DecisionTaskFailed`)
			failed := last(events).DecisionTaskFailedEventAttributes
			require.Equal(t, c.cause, failed.GetCause())
			require.Equal(t, c.details, string(failed.GetDetails()))
			require.Equal(t, "manual", failed.GetIdentity())
			require.Equal(t, int64(1), m.poll().GetAttempt())
		})
	}
}

func TestEmptyPollAnswersBeforeItsDeadline(t *testing.T) {
	s := newScenario(t)
	ctx, done := context.WithTimeout(s.ctx, 4*time.Second)
	defer done()
	task, err := service.PollForDecisionTask(ctx, &shared.PollForDecisionTaskRequest{
		Domain: &domain, TaskList: &shared.TaskList{Name: &s.taskList}, Identity: ptr("manual"),
	})
	require.NoError(t, err, "the end of a long poll is no error")
	require.Empty(t, task.GetTaskToken())
	_, err = service.PollForActivityTask(s.ctx, &shared.PollForActivityTaskRequest{
		Domain: ptr("no-such-domain"), TaskList: &shared.TaskList{Name: &s.taskList}, Identity: ptr("manual"),
	})
	require.IsType(t, &shared.EntityNotExistsError{}, err)
}
