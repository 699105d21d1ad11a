// wellformed_test.go states the rules that hold in every history, whatever the workflow did.
package compat

import (
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
)

// checkHistory asserts contiguous ids, ordered task ids, one version, set times, and references to the right events.
func checkHistory(s *scenario, events []*shared.HistoryEvent) {
	s.Helper()
	require.NotEmpty(s, events)
	previousTask := int64(-1 << 62)
	for i, event := range events {
		require.Equalf(s, int64(i+1), event.GetEventId(), "event ids are contiguous")
		require.NotZerof(s, event.GetTimestamp(), "event %d has a time", i+1)
		require.Equalf(s, events[0].GetVersion(), event.GetVersion(), "version of event %d", i+1)
		require.GreaterOrEqualf(s, event.GetTaskId(), previousTask, "task id of event %d", i+1)
		previousTask = event.GetTaskId()
		for _, ref := range references(event) {
			checkReference(s, events, event, ref)
		}
	}
	require.Equal(s, shared.EventTypeWorkflowExecutionStarted, events[0].GetEventType())
}

type reference struct {
	field string
	id    int64
	kind  shared.EventType
}

func checkReference(s *scenario, events []*shared.HistoryEvent, event *shared.HistoryEvent, ref reference) {
	s.Helper()
	require.Truef(s, ref.id >= 1 && ref.id < event.GetEventId(),
		"%v (%d): %s = %d must name an earlier event", event.GetEventType(), event.GetEventId(), ref.field, ref.id)
	require.Equalf(s, ref.kind, events[ref.id-1].GetEventType(),
		"%v (%d): %s = %d", event.GetEventType(), event.GetEventId(), ref.field, ref.id)
}

func scheduled(id int64, kind shared.EventType) reference {
	return reference{"scheduledEventId", id, kind}
}
func started(id int64, kind shared.EventType) reference { return reference{"startedEventId", id, kind} }
func initiated(id int64, kind shared.EventType) reference {
	return reference{"initiatedEventId", id, kind}
}
func decided(id int64) reference {
	return reference{"decisionTaskCompletedEventId", id, shared.EventTypeDecisionTaskCompleted}
}

const (
	decisionScheduled = shared.EventTypeDecisionTaskScheduled
	decisionStarted   = shared.EventTypeDecisionTaskStarted
	activityScheduled = shared.EventTypeActivityTaskScheduled
	activityStarted   = shared.EventTypeActivityTaskStarted
	childInitiated    = shared.EventTypeStartChildWorkflowExecutionInitiated
	childStarted      = shared.EventTypeChildWorkflowExecutionStarted
)

// references lists the ids by which an event points to earlier events.
func references(e *shared.HistoryEvent) []reference {
	switch e.GetEventType() {
	case shared.EventTypeDecisionTaskStarted:
		return []reference{scheduled(e.DecisionTaskStartedEventAttributes.GetScheduledEventId(), decisionScheduled)}
	case shared.EventTypeDecisionTaskCompleted:
		a := e.DecisionTaskCompletedEventAttributes
		return []reference{scheduled(a.GetScheduledEventId(), decisionScheduled), started(a.GetStartedEventId(), decisionStarted)}
	case shared.EventTypeActivityTaskScheduled:
		return []reference{decided(e.ActivityTaskScheduledEventAttributes.GetDecisionTaskCompletedEventId())}
	case shared.EventTypeActivityTaskStarted:
		return []reference{scheduled(e.ActivityTaskStartedEventAttributes.GetScheduledEventId(), activityScheduled)}
	case shared.EventTypeActivityTaskCompleted:
		a := e.ActivityTaskCompletedEventAttributes
		return []reference{scheduled(a.GetScheduledEventId(), activityScheduled), started(a.GetStartedEventId(), activityStarted)}
	case shared.EventTypeActivityTaskFailed:
		a := e.ActivityTaskFailedEventAttributes
		return []reference{scheduled(a.GetScheduledEventId(), activityScheduled), started(a.GetStartedEventId(), activityStarted)}
	case shared.EventTypeActivityTaskTimedOut:
		return []reference{scheduled(e.ActivityTaskTimedOutEventAttributes.GetScheduledEventId(), activityScheduled)}
	case shared.EventTypeTimerStarted:
		return []reference{decided(e.TimerStartedEventAttributes.GetDecisionTaskCompletedEventId())}
	case shared.EventTypeTimerFired:
		return []reference{started(e.TimerFiredEventAttributes.GetStartedEventId(), shared.EventTypeTimerStarted)}
	case shared.EventTypeTimerCanceled:
		a := e.TimerCanceledEventAttributes
		return []reference{started(a.GetStartedEventId(), shared.EventTypeTimerStarted), decided(a.GetDecisionTaskCompletedEventId())}
	case shared.EventTypeMarkerRecorded:
		return []reference{decided(e.MarkerRecordedEventAttributes.GetDecisionTaskCompletedEventId())}
	case shared.EventTypeUpsertWorkflowSearchAttributes:
		return []reference{decided(e.UpsertWorkflowSearchAttributesEventAttributes.GetDecisionTaskCompletedEventId())}
	case shared.EventTypeWorkflowExecutionCompleted:
		return []reference{decided(e.WorkflowExecutionCompletedEventAttributes.GetDecisionTaskCompletedEventId())}
	default:
		return childReferences(e)
	}
}

func childReferences(e *shared.HistoryEvent) []reference {
	switch e.GetEventType() {
	case shared.EventTypeStartChildWorkflowExecutionInitiated:
		return []reference{decided(e.StartChildWorkflowExecutionInitiatedEventAttributes.GetDecisionTaskCompletedEventId())}
	case shared.EventTypeChildWorkflowExecutionStarted:
		return []reference{initiated(e.ChildWorkflowExecutionStartedEventAttributes.GetInitiatedEventId(), childInitiated)}
	case shared.EventTypeChildWorkflowExecutionCompleted:
		a := e.ChildWorkflowExecutionCompletedEventAttributes
		return []reference{initiated(a.GetInitiatedEventId(), childInitiated), started(a.GetStartedEventId(), childStarted)}
	case shared.EventTypeChildWorkflowExecutionFailed:
		a := e.ChildWorkflowExecutionFailedEventAttributes
		return []reference{initiated(a.GetInitiatedEventId(), childInitiated), started(a.GetStartedEventId(), childStarted)}
	case shared.EventTypeChildWorkflowExecutionTerminated:
		a := e.ChildWorkflowExecutionTerminatedEventAttributes
		return []reference{initiated(a.GetInitiatedEventId(), childInitiated), started(a.GetStartedEventId(), childStarted)}
	default:
		return nil
	}
}
