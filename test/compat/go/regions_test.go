// regions_test.go runs one workflow in two regions: code of the Go client on both sides, a failover in the middle, and calls to the region that is
// not active. It needs a second region, at ANTIPHON_REGION_B_ADDRESS, whose clusters are named region-a and region-b.
package compat

import (
	"context"
	"testing"

	"antiphon.dev/compat/go/frontend"
	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/cadence/.gen/go/cadence/workflowserviceclient"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/activity"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
)

// otherRegion is a connection to the second region.
func otherRegion(t *testing.T) workflowserviceclient.Interface {
	t.Helper()
	address := envOr("ANTIPHON_REGION_B_ADDRESS", "")
	if address == "" {
		t.Skip("needs a second region; set ANTIPHON_REGION_B_ADDRESS")
	}
	connection, err := frontend.Connect("antiphon-compat-b", address, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = connection.Close() })
	return connection.Service
}

// globalDomain registers a domain of both regions, active in region-a, and waits until region-b knows it.
func globalDomain(s *scenario, b workflowserviceclient.Interface) string {
	s.Helper()
	name := "compat-go-global-" + uuid.New()[:8]
	require.NoError(s, domains.Register(s.ctx, &shared.RegisterDomainRequest{
		Name:                                   &name,
		WorkflowExecutionRetentionPeriodInDays: ptr(int32(1)),
		IsGlobalDomain:                         ptr(true),
		ActiveClusterName:                      ptr("region-a"),
		Clusters:                               []*shared.ClusterReplicationConfiguration{{ClusterName: ptr("region-a")}, {ClusterName: ptr("region-b")}},
	}))
	s.until("region-b knows the domain", func() bool {
		ctx, done := s.call()
		defer done()
		_, err := b.DescribeDomain(ctx, &shared.DescribeDomainRequest{Name: &name})
		return err == nil
	})
	return name
}

func (s *scenario) failover(name, cluster string) {
	s.Helper()
	require.NoError(s, domains.Update(s.ctx, &shared.UpdateDomainRequest{
		Name: &name, ReplicationConfiguration: &shared.DomainReplicationConfiguration{ActiveClusterName: &cluster},
	}))
}

func startWorkerOf(s *scenario, region workflowserviceclient.Interface, domain, identity string, code any) {
	s.Helper()
	w := worker.New(region, domain, s.taskList, worker.Options{Identity: identity, Logger: debugLogger(), DisableStickyExecution: true})
	w.RegisterWorkflowWithOptions(code, workflow.RegisterOptions{Name: "travels"})
	w.RegisterActivityWithOptions(func(context.Context) (string, error) { return identity, nil }, activity.RegisterOptions{Name: "where"})
	require.NoError(s, w.Start())
	s.Cleanup(w.Stop)
}

func TestRunGoesOnInTheOtherRegion(t *testing.T) {
	b := otherRegion(t)
	s := newScenario(t)
	name := globalDomain(s, b)
	travels := func(ctx workflow.Context) (places []string, err error) {
		for range 2 {
			var place string
			if err = workflow.ExecuteActivity(activities(ctx), "where").Get(ctx, &place); err != nil {
				return nil, err
			}
			places = append(places, place)
			waitForWord(ctx)
		}
		return places, nil
	}
	startWorkerOf(s, service, name, "worker-a", travels)
	startWorkerOf(s, b, name, "worker-b", travels)
	inA, inB := client.NewClient(service, name, &client.Options{}), client.NewClient(b, name, &client.Options{})
	s.client = inA
	run := s.start("travels")
	s.untilEvents(run, shared.EventTypeDecisionTaskCompleted, 2)
	s.until("region-b has the run so far", func() bool {
		described, err := inB.DescribeWorkflowExecution(s.ctx, run.GetID(), run.GetRunID())
		return err == nil && described.GetWorkflowExecutionInfo().GetHistoryLength() >= 10
	})

	s.failover(name, "region-b")
	// Until region-b has heard of it, it forwards, and a host of region-a that has not heard either takes the signal: its version tells by whom it was taken.
	s.client = inB
	s.until("region-b is active", func() bool {
		if inB.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "knock", nil) != nil {
			return false
		}
		events := s.rawHistory(run.GetID(), run.GetRunID())
		knocks := ofType(events, shared.EventTypeWorkflowExecutionSignaled)
		return len(knocks) > 0 && last(knocks).GetVersion() != events[0].GetVersion()
	})
	require.NoError(t, inB.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "word", "first"))
	require.NoError(t, inB.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "word", "second"))
	var places []string
	require.NoError(t, inB.GetWorkflow(s.ctx, run.GetID(), run.GetRunID()).Get(s.ctx, &places))
	require.Equal(t, []string{"worker-a", "worker-b"}, places)
	s.client = inA
	s.until("region-a has its end", func() bool {
		described, err := inA.DescribeWorkflowExecution(s.ctx, run.GetID(), run.GetRunID())
		return err == nil && described.GetWorkflowExecutionInfo().CloseStatus != nil
	})
	events := s.rawHistory(run.GetID(), run.GetRunID())
	require.NotEqual(t, events[0].GetVersion(), last(events).GetVersion(), "later events carry the version of the failover")
	require.Equal(t, shared.EventTypeWorkflowExecutionCompleted, last(events).GetEventType())
}

// Calls that a passive region may forward reach the active one, without a word to the client.
func TestPassiveRegionForwardsCalls(t *testing.T) {
	b := otherRegion(t)
	s := newScenario(t)
	name := globalDomain(s, b)
	startWorkerOf(s, service, name, "worker-a", func(ctx workflow.Context) (string, error) { return waitForWord(ctx), nil })
	inB := client.NewClient(b, name, &client.Options{})
	var run client.WorkflowRun
	s.until("the start was forwarded", func() (ok bool) {
		var err error
		run, err = inB.ExecuteWorkflow(s.ctx, s.startOptions(), "travels")
		return err == nil
	})
	require.NoError(t, inB.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "word", "forwarded"))
	s.client = client.NewClient(service, name, &client.Options{})
	var word string
	require.NoError(t, s.client.GetWorkflow(s.ctx, run.GetID(), run.GetRunID()).Get(s.ctx, &word))
	require.Equal(t, "forwarded", word)
	s.untilEvent(run, shared.EventTypeWorkflowExecutionCompleted)
}
