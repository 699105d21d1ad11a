package compat

import (
	"testing"
	"time"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/workflow"
)

// The kinds and texts of the errors that users meet most.
func TestErrorTexts(t *testing.T) {
	s := newScenario(t)
	s.workflow("plain", func(workflow.Context) error { return nil })
	s.startWorker()
	closed := s.start("plain")
	require.NoError(t, closed.Get(s.ctx, nil))
	s.until("the end is on record", func() bool { return s.describe(closed).GetWorkflowExecutionInfo().CloseStatus != nil })
	open := s.start("unregistered")
	unknownRun := uuid.New()
	ctx, done := s.call()
	defer done()

	for _, c := range []struct {
		name string
		err  error
	}{
		{"describe unknown", second(s.client.DescribeWorkflowExecution(s.ctx, "no-such", ""))},
		{"describe unknown run", second(s.client.DescribeWorkflowExecution(s.ctx, closed.GetID(), unknownRun))},
		{"history unknown", second(s.client.GetWorkflowHistory(s.ctx, "no-such", "", false, shared.HistoryEventFilterTypeAllEvent).Next())},
		{"signal unknown", s.client.SignalWorkflow(s.ctx, "no-such", "", "s", nil)},
		{"signal unknown run", s.client.SignalWorkflow(s.ctx, closed.GetID(), unknownRun, "s", nil)},
		{"signal closed", s.client.SignalWorkflow(s.ctx, closed.GetID(), "", "s", nil)},
		{"cancel closed", s.client.CancelWorkflow(s.ctx, closed.GetID(), "")},
		{"cancel unknown", s.client.CancelWorkflow(s.ctx, "no-such", "")},
		{"terminate closed", s.client.TerminateWorkflow(s.ctx, closed.GetID(), "", "r", nil)},
		{"terminate unknown", s.client.TerminateWorkflow(s.ctx, "no-such", "", "r", nil)},
		{"query unknown", second(s.client.QueryWorkflow(s.ctx, "no-such", "", "q"))},
		{"complete by id of closed", s.client.CompleteActivityByID(s.ctx, domain, closed.GetID(), "", "0", nil, nil)},
		{"complete by unknown id", s.client.CompleteActivityByID(s.ctx, domain, open.GetID(), "", "77", nil, nil)},
		{"cancel once", s.client.CancelWorkflow(s.ctx, open.GetID(), "")},
		{"cancel twice", s.client.CancelWorkflow(s.ctx, open.GetID(), "")},
		{"signal without name", s.client.SignalWorkflow(s.ctx, open.GetID(), "", "", nil)},
		{"describe domain", second(domains.Describe(s.ctx, "no-such-domain"))},
		{"register again", registerDomain(s.ctx, domain)},
		{"task list without type", second(service.DescribeTaskList(ctx, &shared.DescribeTaskListRequest{Domain: &domain, TaskList: &shared.TaskList{Name: ptr("t")}}))},
	} {
		t.Logf("%s: %T %v", c.name, c.err, c.err)
	}
	_ = time.Second
}

func second[T any](_ T, err error) error { return err }
