package compat

import (
	"testing"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/workflow"
)

// The kinds and texts of the errors that users meet most. Where Cadence's text names its storage, any text will do.
func TestErrorTexts(t *testing.T) {
	s := newScenario(t)
	s.workflow("plain", func(workflow.Context) error { return nil })
	s.startWorker()
	closed := s.start("plain")
	require.NoError(t, closed.Get(s.ctx, nil))
	open := s.start("unregistered")
	require.NoError(t, s.client.CancelWorkflow(s.ctx, open.GetID(), ""))
	unknownRun := uuid.New()
	ctx, done := s.call()
	defer done()

	const anyText = ""
	const completed = "Workflow execution already completed."
	notFound := "Workflow execution not found.  WorkflowId: " + closed.GetID() + ", RunId: " + unknownRun
	missing := func(text string) error { return &shared.EntityNotExistsError{Message: text} }
	bad := func(text string) error { return &shared.BadRequestError{Message: text} }
	for _, c := range []struct {
		name string
		err  error
		want error
	}{
		{"describe unknown", errorOf(s.client.DescribeWorkflowExecution(s.ctx, "no-such", "")), missing(anyText)},
		{"describe unknown run", errorOf(s.client.DescribeWorkflowExecution(s.ctx, closed.GetID(), unknownRun)), missing(notFound)},
		{"signal unknown", s.client.SignalWorkflow(s.ctx, "no-such", "", "s", nil), missing(anyText)},
		{"signal unknown run", s.client.SignalWorkflow(s.ctx, closed.GetID(), unknownRun, "s", nil), missing(notFound)},
		{"signal closed", s.client.SignalWorkflow(s.ctx, closed.GetID(), "", "s", nil), missing(completed)},
		{"signal without name", s.client.SignalWorkflow(s.ctx, open.GetID(), "", "", nil), bad("SignalName is not set on request.")},
		{"cancel unknown", s.client.CancelWorkflow(s.ctx, "no-such", ""), missing(anyText)},
		{"cancel closed", s.client.CancelWorkflow(s.ctx, closed.GetID(), ""), missing(completed)},
		{"cancel twice", s.client.CancelWorkflow(s.ctx, open.GetID(), ""),
			&shared.CancellationAlreadyRequestedError{Message: "cancellation already requested for this workflow execution"}},
		{"terminate unknown", s.client.TerminateWorkflow(s.ctx, "no-such", "", "r", nil), missing(anyText)},
		{"terminate closed", s.client.TerminateWorkflow(s.ctx, closed.GetID(), "", "r", nil), missing(completed)},
		{"query unknown", errorOf(s.client.QueryWorkflow(s.ctx, "no-such", "", "q")), missing(anyText)},
		{"activity of closed", s.client.CompleteActivityByID(s.ctx, domain, closed.GetID(), "", "0", nil, nil), missing(completed)},
		{"unknown activity id", s.client.CompleteActivityByID(s.ctx, domain, open.GetID(), "", "77", nil, nil), bad("Cannot locate Activity ScheduleID")},
		{"unknown domain", errorOf(domains.Describe(s.ctx, "no-such-domain")), missing("Domain no-such-domain does not exist.")},
		{"domain again", registerDomain(s.ctx, domain), &shared.DomainAlreadyExistsError{Message: "Domain already exists."}},
		{"task list type", errorOf(service.DescribeTaskList(ctx, &shared.DescribeTaskListRequest{
			Domain: &domain, TaskList: &shared.TaskList{Name: ptr("t")},
		})), bad("TaskListType is not set on request.")},
	} {
		require.IsType(t, c.want, c.err, c.name)
		if text := messageOf(c.want); text != anyText {
			require.Equal(t, text, messageOf(c.err), c.name)
		}
	}
}

func errorOf[T any](_ T, err error) error { return err }

func messageOf(err error) string {
	if e, ok := err.(*shared.EntityNotExistsError); ok {
		return e.Message
	}
	return err.(interface{ GetMessage() string }).GetMessage()
}
