// scenario_test.go gives each scenario a client, a task list and workers of its own, and the common assertions.
package compat

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/activity"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
	"go.uber.org/zap"
)

const (
	scenarioTimeout = 90 * time.Second
	workflowTimeout = 60 * time.Second
	decisionTimeout = 10 * time.Second
	activityTimeout = 10 * time.Second
)

// scenario is one test: a task list, the code registered for it and the workers that poll it.
type scenario struct {
	*testing.T
	ctx        context.Context
	client     client.Client
	taskList   string
	options    worker.Options
	workflows  map[string]any
	activities map[string]any
	workers    atomic.Int32
}

func newScenario(t *testing.T) *scenario {
	t.Helper()
	t.Parallel()
	return newSerialScenario(t)
}

func newSerialScenario(t *testing.T) *scenario {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), scenarioTimeout)
	t.Cleanup(cancel)
	return &scenario{
		T:          t,
		ctx:        ctx,
		client:     client.NewClient(service, domain, &client.Options{Identity: "compat-client"}),
		taskList:   "tl-" + uuid.New()[:8],
		options:    worker.Options{Logger: debugLogger(), MaxConcurrentDecisionTaskPollers: 2, MaxConcurrentActivityTaskPollers: 2},
		workflows:  map[string]any{},
		activities: map[string]any{},
	}
}

func (s *scenario) workflow(name string, fn any) { s.workflows[name] = fn }
func (s *scenario) activity(name string, fn any) { s.activities[name] = fn }

// startWorker starts a worker with everything registered so far. The returned function stops it early.
func (s *scenario) startWorker(adjust ...func(*worker.Options)) (stop func()) {
	s.Helper()
	options := s.options
	options.Identity = fmt.Sprintf("%s-worker-%d", s.taskList, s.workers.Add(1))
	for _, apply := range adjust {
		apply(&options)
	}
	w := worker.New(service, domain, s.taskList, options)
	for name, fn := range s.workflows {
		w.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
	for name, fn := range s.activities {
		w.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: name})
	}
	require.NoError(s, w.Start())
	stopOnce := sync.OnceFunc(w.Stop)
	s.Cleanup(stopOnce)
	return func() {
		stopOnce()
		// The client hangs up on its polls in the background; a task that comes first is theirs, and lost with them.
		time.Sleep(300 * time.Millisecond)
	}
}

func (s *scenario) startOptions(adjust ...func(*client.StartWorkflowOptions)) client.StartWorkflowOptions {
	options := client.StartWorkflowOptions{
		ID:                              "wf-" + uuid.New(),
		TaskList:                        s.taskList,
		ExecutionStartToCloseTimeout:    workflowTimeout,
		DecisionTaskStartToCloseTimeout: decisionTimeout,
	}
	for _, apply := range adjust {
		apply(&options)
	}
	return options
}

func (s *scenario) start(name string, args ...any) client.WorkflowRun {
	s.Helper()
	return s.startWith(s.startOptions(), name, args...)
}

func (s *scenario) startWith(options client.StartWorkflowOptions, name string, args ...any) client.WorkflowRun {
	s.Helper()
	run, err := s.client.ExecuteWorkflow(s.ctx, options, name, args...)
	require.NoError(s, err)
	return run
}

// result waits for the run's chain to succeed and decodes its result.
func result[T any](s *scenario, run client.WorkflowRun) T {
	s.Helper()
	var value T
	require.NoError(s, run.Get(s.ctx, &value))
	return value
}

// failure waits for the run's chain to end in an error of type E.
func failure[E error](s *scenario, run client.WorkflowRun) E {
	s.Helper()
	err := run.Get(s.ctx, nil)
	require.Error(s, err)
	typed, ok := err.(E)
	require.Truef(s, ok, "want %T, got %T: %v", typed, err, err)
	return typed
}

func (s *scenario) signal(run client.WorkflowRun, name string, arg any) {
	s.Helper()
	require.NoError(s, s.client.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), name, arg))
}

// history reads the whole history and checks the rules that every history obeys.
func (s *scenario) history(workflowID, runID string) []*shared.HistoryEvent {
	s.Helper()
	events := s.rawHistory(workflowID, runID)
	checkHistory(s, events)
	return events
}

func (s *scenario) rawHistory(workflowID, runID string) []*shared.HistoryEvent {
	s.Helper()
	var events []*shared.HistoryEvent
	iter := s.client.GetWorkflowHistory(s.ctx, workflowID, runID, false, shared.HistoryEventFilterTypeAllEvent)
	for iter.HasNext() {
		event, err := iter.Next()
		require.NoError(s, err)
		events = append(events, event)
	}
	return events
}

// expectHistory asserts the sequence of event types of a run, and returns the events.
func (s *scenario) expectHistory(run client.WorkflowRun, pattern string) []*shared.HistoryEvent {
	s.Helper()
	return s.expectRun(run.GetID(), run.GetRunID(), pattern)
}

func (s *scenario) expectRun(workflowID, runID, pattern string) []*shared.HistoryEvent {
	s.Helper()
	events := s.history(workflowID, runID)
	if diff := matchSequence(pattern, eventNames(events)); diff != "" {
		s.Fatal(diff)
	}
	return events
}

// replay runs the downloaded history through the client's replayer, which fails on any nondeterminism.
func (s *scenario) replay(events []*shared.HistoryEvent) error {
	replayer := worker.NewWorkflowReplayer()
	for name, fn := range s.workflows {
		replayer.RegisterWorkflowWithOptions(fn, workflow.RegisterOptions{Name: name})
	}
	return replayer.ReplayWorkflowHistory(zap.NewNop(), &shared.History{Events: events})
}

// call bounds one bare call to the service; every call needs a deadline.
func (s *scenario) call() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, 10*time.Second)
}

func (s *scenario) execution(run client.WorkflowRun) *shared.WorkflowExecution {
	return &shared.WorkflowExecution{WorkflowId: ptr(run.GetID()), RunId: ptr(run.GetRunID())}
}

// until polls a condition, so that scenarios never sleep for a guessed time.
func (s *scenario) until(what string, condition func() bool) {
	s.Helper()
	for !condition() {
		select {
		case <-s.ctx.Done():
			s.Fatalf("timed out waiting until %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// untilEvent waits for an event of the type and returns the history up to then.
func (s *scenario) untilEvent(run client.WorkflowRun, kind shared.EventType) []*shared.HistoryEvent {
	s.Helper()
	return s.untilEvents(run, kind, 1)
}

func (s *scenario) untilEvents(run client.WorkflowRun, kind shared.EventType, count int) []*shared.HistoryEvent {
	s.Helper()
	var events []*shared.HistoryEvent
	s.until(fmt.Sprintf("%d %v", count, kind), func() bool {
		events = s.rawHistory(run.GetID(), run.GetRunID())
		return len(ofType(events, kind)) >= count
	})
	return events
}

func (s *scenario) describe(run client.WorkflowRun) *shared.DescribeWorkflowExecutionResponse {
	s.Helper()
	described, err := s.client.DescribeWorkflowExecution(s.ctx, run.GetID(), run.GetRunID())
	require.NoError(s, err)
	return described
}

func ofType(events []*shared.HistoryEvent, kind shared.EventType) []*shared.HistoryEvent {
	var found []*shared.HistoryEvent
	for _, event := range events {
		if event.GetEventType() == kind {
			found = append(found, event)
		}
	}
	return found
}

// only returns the single event of the type.
func only(s *scenario, events []*shared.HistoryEvent, kind shared.EventType) *shared.HistoryEvent {
	s.Helper()
	found := ofType(events, kind)
	require.Lenf(s, found, 1, "%v in %v", kind, eventNames(events))
	return found[0]
}

func last(events []*shared.HistoryEvent) *shared.HistoryEvent { return events[len(events)-1] }

// activities returns workflow context options for a plain activity on the scenario's task list.
func activities(ctx workflow.Context, adjust ...func(*workflow.ActivityOptions)) workflow.Context {
	options := workflow.ActivityOptions{
		ScheduleToStartTimeout: activityTimeout,
		StartToCloseTimeout:    activityTimeout,
	}
	for _, apply := range adjust {
		apply(&options)
	}
	return workflow.WithActivityOptions(ctx, options)
}

// debugLogger shows what the client's workers log when ANTIPHON_COMPAT_VERBOSE is set.
func debugLogger() *zap.Logger {
	if envOr("ANTIPHON_COMPAT_VERBOSE", "") == "" {
		return zap.NewNop()
	}
	logger, err := zap.NewDevelopment()
	must(err)
	return logger
}

// requireBadRequest asserts the text of a refusal, which users read and some clients compare.
func requireBadRequest(s *scenario, text string, err error) {
	s.Helper()
	bad, ok := err.(*shared.BadRequestError)
	require.Truef(s, ok, "want a BadRequestError, got %T: %v", err, err)
	require.Equal(s, text, bad.GetMessage())
}

// requireBadQuery takes more lines after Cadence's text: Antiphon points at the fault.
func requireBadQuery(s *scenario, text string, err error) {
	s.Helper()
	bad, ok := err.(*shared.BadRequestError)
	require.Truef(s, ok, "want a BadRequestError, got %T: %v", err, err)
	first, _, _ := strings.Cut(bad.GetMessage(), "\n")
	require.True(s, strings.HasPrefix(first, strings.TrimSuffix(text, ".")), "%q does not begin with %q", first, text)
}
