// Package compat drives a Cadence-compatible frontend with the official Cadence Go client.
//
// main_test.go owns what the whole run shares: the connection, the domain and the run's limits. Every scenario
// builds on scenario_test.go, and compares event sequences through sequence_test.go.
package compat

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"antiphon.dev/compat/go/frontend"
	"github.com/pborman/uuid"
	apiv1 "github.com/uber/cadence-idl/go/proto/api/v1"
	"go.uber.org/cadence/.gen/go/cadence/workflowserviceclient"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/client"
)

const (
	// Servers may cache domains for up to ten seconds, so a fresh domain is retried for longer than that.
	domainReadyTimeout = 30 * time.Second

	// Scenarios mostly wait for timers, so many more of them can run at once than there are cores.
	defaultParallel = "12"
)

var (
	service workflowserviceclient.Interface
	domain  string
	domains client.DomainClient

	// The clients below see the wire as it is; the compatibility adapter of the Go client drops some fields.
	protoWorkflow   apiv1.WorkflowAPIYARPCClient
	protoVisibility apiv1.VisibilityAPIYARPCClient
	protoMeta       apiv1.MetaAPIYARPCClient
)

func TestMain(m *testing.M) {
	flag.Parse()
	if !flagGiven("test.parallel") {
		must(flag.Set("test.parallel", envOr("ANTIPHON_COMPAT_PARALLEL", defaultParallel)))
	}
	connection, err := connect(envOr("ANTIPHON_ADDRESS", "127.0.0.1:7833"))
	must(err)
	must(prepareDomain())
	code := m.Run()
	_ = connection.Close()
	os.Exit(code)
}

func connect(addresses string) (*frontend.Connection, error) {
	connection, err := frontend.Connect("antiphon-compat", addresses, nil)
	if err != nil {
		return nil, err
	}
	service = connection.Service
	protoWorkflow = connection.Workflow
	protoVisibility = connection.Visibility
	protoMeta = connection.Meta
	return connection, nil
}

// prepareDomain registers a domain of its own and returns once every kind of call accepts it.
func prepareDomain() error {
	domain = "compat-go-" + uuid.New()[:8]
	domains = client.NewDomainClient(service, &client.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), domainReadyTimeout)
	defer cancel()
	if err := registerDomain(ctx, domain); err != nil {
		return fmt.Errorf("register domain %s: %w", domain, err)
	}
	return waitForDomain(ctx, domain)
}

func registerDomain(ctx context.Context, name string) error {
	return domains.Register(ctx, &shared.RegisterDomainRequest{
		Name:                                   &name,
		Description:                            ptr("compatibility suite"),
		OwnerEmail:                             ptr("compat@example.com"),
		WorkflowExecutionRetentionPeriodInDays: ptr(int32(1)),
		Data:                                   map[string]string{"suite": "go"},
	})
}

func waitForDomain(ctx context.Context, name string) error {
	for {
		_, err := domains.Describe(ctx, name)
		if err == nil {
			_, err = service.ListOpenWorkflowExecutions(ctx, &shared.ListOpenWorkflowExecutionsRequest{
				Domain:          &name,
				StartTimeFilter: timeFilter(time.Now().Add(-time.Hour)),
			})
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("domain %s is not ready: %w", name, err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func timeFilter(from time.Time) *shared.StartTimeFilter {
	return &shared.StartTimeFilter{
		EarliestTime: ptr(from.UnixNano()),
		LatestTime:   ptr(time.Now().Add(time.Hour).UnixNano()),
	}
}

func flagGiven(name string) bool {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	return given
}

func envOr(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "compat:", err)
		os.Exit(1)
	}
}

func ptr[T any](value T) *T { return &value }
