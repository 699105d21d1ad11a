// bad_binary_test.go marks a deployment as bad: its workers get no tasks, and the runs that it touched go back to where they were before it.
package compat

import (
	"context"
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
)

// So many in a row come to every host of a region of three.
const pollsOfAllHosts = 12

// binaryWorker polls and answers by hand in a domain of its own, as a worker of one build would.
type binaryWorker struct {
	*scenario
	domain, checksum string
}

func (w binaryWorker) poll() (*shared.PollForDecisionTaskResponse, error) {
	ctx, done := context.WithTimeout(w.ctx, 5*time.Second)
	defer done()
	return service.PollForDecisionTask(ctx, &shared.PollForDecisionTaskRequest{
		Domain: &w.domain, TaskList: &shared.TaskList{Name: &w.taskList}, Identity: &w.checksum, BinaryChecksum: &w.checksum,
	})
}

// decide answers the next decision task.
func (w binaryWorker) decide(decisions ...*shared.Decision) *shared.PollForDecisionTaskResponse {
	w.Helper()
	var task *shared.PollForDecisionTaskResponse
	w.until("a decision task for "+w.checksum, func() bool {
		var err error
		task, err = w.poll()
		require.NoError(w, err)
		return len(task.GetTaskToken()) > 0
	})
	ctx, done := w.call()
	defer done()
	_, err := service.RespondDecisionTaskCompleted(ctx, &shared.RespondDecisionTaskCompletedRequest{
		TaskToken: task.TaskToken, Decisions: decisions, Identity: &w.checksum, BinaryChecksum: &w.checksum,
	})
	require.NoError(w, err)
	return task
}

func TestRunsOfABadBinaryGoBackBeforeIt(t *testing.T) {
	s := newScenario(t)
	name := "compat-go-binary-" + uuid.New()[:8]
	require.NoError(t, registerDomain(s.ctx, name))
	require.NoError(t, waitForDomain(s.ctx, name))
	s.client = client.NewClient(service, name, &client.Options{})
	good, bad := binaryWorker{s, name, "good-build"}, binaryWorker{s, name, "bad-build"}

	run := s.start("manual")
	good.decide()
	require.NoError(t, s.client.SignalWorkflow(s.ctx, run.GetID(), "", "word", 1))
	bad.decide()
	points := s.describe(run).GetWorkflowExecutionInfo().GetAutoResetPoints().GetPoints()
	require.Len(t, points, 2)
	require.Equal(t, "bad-build", points[1].GetBinaryChecksum())
	require.True(t, points[1].GetResettable())

	require.NoError(t, domains.Update(s.ctx, &shared.UpdateDomainRequest{
		Name: &name,
		Configuration: &shared.DomainConfiguration{BadBinaries: &shared.BadBinaries{Binaries: map[string]*shared.BadBinaryInfo{
			"bad-build": {Reason: ptr("it is bad"), Operator: ptr("compat")},
		}}},
	}))
	// A region's hosts learn of a domain's change one after the other, and each poll may come to another.
	s.until("all hosts refuse the bad build", func() bool {
		for range pollsOfAllHosts {
			_, err := bad.poll()
			if err == nil {
				return false
			}
			requireBadRequest(s, "binary bad-build already marked as bad deployment", err)
		}
		return true
	})

	require.NoError(t, s.client.SignalWorkflow(s.ctx, run.GetID(), "", "word", 2))
	var current string
	s.until("the run was reset", func() bool {
		_, _ = good.poll() // a decision of the old run may be in the way
		described, err := s.client.DescribeWorkflowExecution(s.ctx, run.GetID(), "")
		current = described.GetWorkflowExecutionInfo().GetExecution().GetRunId()
		return err == nil && current != run.GetRunID()
	})
	old := s.rawHistory(run.GetID(), run.GetRunID())
	require.Equal(t, shared.EventTypeWorkflowExecutionTerminated, last(old).GetEventType())
	events := s.rawHistory(run.GetID(), current)
	failed := ofType(events, shared.EventTypeDecisionTaskFailed)[0].DecisionTaskFailedEventAttributes
	require.Equal(t, shared.DecisionTaskFailedCauseResetWorkflow, failed.GetCause())
	require.Contains(t, failed.GetReason(), "bad-build")
	require.Len(t, ofType(events, shared.EventTypeWorkflowExecutionSignaled), 2, "signals are kept")
}
