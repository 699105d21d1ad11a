package compat

import (
	"testing"

	"github.com/pborman/uuid"
	"github.com/stretchr/testify/require"
	apiv1 "github.com/uber/cadence-idl/go/proto/api/v1"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/workflow"
)

func TestDomainLifecycle(t *testing.T) {
	s := newScenario(t)
	name := "compat-go-extra-" + uuid.New()[:8]
	require.NoError(t, registerDomain(s.ctx, name))
	err := registerDomain(s.ctx, name)
	require.IsType(t, &shared.DomainAlreadyExistsError{}, err)

	described, err := domains.Describe(s.ctx, name)
	require.NoError(t, err)
	info := described.GetDomainInfo()
	require.Equal(t, name, info.GetName())
	require.Equal(t, shared.DomainStatusRegistered, info.GetStatus())
	require.Equal(t, "compatibility suite", info.GetDescription())
	require.Equal(t, "compat@example.com", info.GetOwnerEmail())
	require.Equal(t, map[string]string{"suite": "go"}, info.GetData())
	require.NotEmpty(t, info.GetUUID())
	require.Equal(t, int32(1), described.GetConfiguration().GetWorkflowExecutionRetentionPeriodInDays())
	require.False(t, described.GetIsGlobalDomain())
	require.NotEmpty(t, described.GetReplicationConfiguration().GetActiveClusterName())

	require.NoError(t, domains.Update(s.ctx, &shared.UpdateDomainRequest{
		Name:          &name,
		UpdatedInfo:   &shared.UpdateDomainInfo{Description: ptr("changed"), OwnerEmail: ptr("other@example.com"), Data: map[string]string{"more": "data"}},
		Configuration: &shared.DomainConfiguration{WorkflowExecutionRetentionPeriodInDays: ptr(int32(3))},
	}))
	described, err = domains.Describe(s.ctx, name)
	require.NoError(t, err)
	require.Equal(t, "changed", described.GetDomainInfo().GetDescription())
	require.Equal(t, map[string]string{"suite": "go", "more": "data"}, described.GetDomainInfo().GetData(), "data is merged")
	require.Equal(t, int32(3), described.GetConfiguration().GetWorkflowExecutionRetentionPeriodInDays())

	s.until("the domain is listed", func() bool { return domainListed(s, name) })
	ctx, done := s.call()
	defer done()
	require.NoError(t, service.DeprecateDomain(ctx, &shared.DeprecateDomainRequest{Name: &name}))
	described, err = domains.Describe(s.ctx, name)
	require.NoError(t, err)
	require.Equal(t, shared.DomainStatusDeprecated, described.GetDomainInfo().GetStatus())

	_, err = domains.Describe(s.ctx, "no-such-domain")
	require.IsType(t, &shared.EntityNotExistsError{}, err)
}

func domainListed(s *scenario, name string) bool {
	s.Helper()
	var token []byte
	for {
		ctx, done := s.call()
		page, err := service.ListDomains(ctx, &shared.ListDomainsRequest{PageSize: ptr(int32(10)), NextPageToken: token})
		done()
		require.NoError(s, err)
		for _, described := range page.GetDomains() {
			if described.GetDomainInfo().GetName() == name {
				return true
			}
		}
		if token = page.GetNextPageToken(); len(token) == 0 {
			return false
		}
	}
}

func TestInvalidDomainRequests(t *testing.T) {
	s := newScenario(t)
	ctx, done := s.call()
	defer done()
	err := service.RegisterDomain(ctx, &shared.RegisterDomainRequest{WorkflowExecutionRetentionPeriodInDays: ptr(int32(1))})
	requireBadRequest(s, "Domain not set on request.", err)
	err = service.DeprecateDomain(ctx, &shared.DeprecateDomainRequest{})
	requireBadRequest(s, "Domain not set on request.", err)
}

func TestHealthAndClusterInfo(t *testing.T) {
	s := newScenario(t)
	s.until("the server has warmed up", func() bool {
		ctx, done := s.call()
		defer done()
		health, err := protoMeta.Health(ctx, &apiv1.HealthRequest{})
		require.NoError(t, err)
		return health.GetOk()
	})
	ctx, done := s.call()
	defer done()
	info, err := service.GetClusterInfo(ctx)
	require.NoError(t, err)
	require.NotEmpty(t, info.GetSupportedClientVersions().GetGoSdk())
	require.NotEmpty(t, info.GetSupportedClientVersions().GetJavaSdk())
}

// A client that asks for it learns that a workflow is already completed; others see an unknown workflow.
func TestAlreadyCompletedErrorIsOptIn(t *testing.T) {
	s := newScenario(t)
	s.workflow("plain", func(workflow.Context) error { return nil })
	s.startWorker()
	run := s.start("plain")
	require.NoError(t, run.Get(s.ctx, nil))
	modern := client.NewClient(service, domain, &client.Options{
		FeatureFlags: client.FeatureFlags{WorkflowExecutionAlreadyCompletedErrorEnabled: true},
	})
	for name, call := range map[string]func(client.Client) error{
		"signal":    func(c client.Client) error { return c.SignalWorkflow(s.ctx, run.GetID(), run.GetRunID(), "s", nil) },
		"cancel":    func(c client.Client) error { return c.CancelWorkflow(s.ctx, run.GetID(), run.GetRunID()) },
		"terminate": func(c client.Client) error { return c.TerminateWorkflow(s.ctx, run.GetID(), run.GetRunID(), "r", nil) },
	} {
		require.IsTypef(t, &shared.WorkflowExecutionAlreadyCompletedError{}, call(modern), name)
		require.IsTypef(t, &shared.EntityNotExistsError{}, call(s.client), name)
	}
}
