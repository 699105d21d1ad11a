// Starts the reference server of Cadence, its four services in one process: over SQLite, so that the differential harness can ask what Cadence
// does, or over Cassandra, so that the bench can measure beside it. Written against the public packages of the Go module; nothing of it runs in
// Antiphon. Usage: reference-cadence CONFIG_DIR
//
// The configuration directory holds base.yaml (Cadence's static config) and development.yaml; launch.mjs writes both, with free ports. "started" on
// stdout says that all services run; SIGTERM ends the process.
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	apiv1 "github.com/uber/cadence-idl/go/proto/api/v1"
	"go.uber.org/cadence/compatibility"
	"go.uber.org/fx"

	"github.com/uber/cadence/common/archiver"
	"github.com/uber/cadence/common/archiver/provider"
	"github.com/uber/cadence/common/asyncworkflow/queue"
	"github.com/uber/cadence/common/blobstore/filestore"
	"github.com/uber/cadence/common/clock"
	"github.com/uber/cadence/common/cluster"
	"github.com/uber/cadence/common/config"
	"github.com/uber/cadence/common/dynamicconfig"
	"github.com/uber/cadence/common/dynamicconfig/dynamicproperties"
	clog "github.com/uber/cadence/common/log"
	"github.com/uber/cadence/common/log/tag"
	"github.com/uber/cadence/common/membership"
	"github.com/uber/cadence/common/metrics"
	"github.com/uber/cadence/common/peerprovider/ringpopprovider"
	"github.com/uber/cadence/common/resource"
	"github.com/uber/cadence/common/rpc"
	"github.com/uber/cadence/common/service"
	"github.com/uber/cadence/service/frontend"
	"github.com/uber/cadence/service/history"
	"github.com/uber/cadence/service/matching"
	"github.com/uber/cadence/service/worker"
)

// noHooks is what config.New wants of an application framework.
type noHooks struct{}

func (noHooks) Append(fx.Hook) {}

// daemon is one of the four services.
type daemon interface {
	Start()
	Stop()
}

func must(err error) {
	if err != nil {
		log.Fatalf("%+v", err)
	}
}

// params are what every service is given: its view of the config, its ring and its ways to the others.
func params(name string, cfg *config.Config, logger clog.Logger, dynamic dynamicconfig.Client) resource.Params {
	serviceConfig, err := cfg.GetServiceConfig(name)
	must(err)
	full := service.FullName(name)
	group := cfg.ClusterGroupMetadata
	p := resource.Params{
		Name: full, Logger: logger.WithTags(tag.Service(full)), PersistenceConfig: cfg.Persistence, DynamicConfig: dynamic,
		RPCConfig: serviceConfig.RPC, ClusterRedirectionPolicy: group.ClusterRedirectionPolicy, AuthorizationConfig: cfg.Authorization,
		KafkaConfig: cfg.Kafka, ShardDistributorMatchingConfig: cfg.ShardDistributorMatchingConfig,
		GetIsolationGroups: func() []string { return nil },
	}
	properties := dynamicconfig.NewCollection(dynamic, p.Logger, dynamicproperties.ClusterNameFilter(group.CurrentClusterName))
	p.MetricScope = serviceConfig.Metrics.NewScope(p.Logger, full)
	p.MetricsClient = metrics.NewClient(p.MetricScope, service.GetMetricsServiceIdx(full, p.Logger), cfg.Histograms)
	p.PProfInitializer = serviceConfig.PProf.NewInitializer(p.Logger)
	p.ClusterMetadata = cluster.NewMetadata(
		*group, properties.GetBoolPropertyFilteredByDomain(dynamicproperties.UseNewInitialFailoverVersion), p.MetricsClient, p.Logger)
	p.ArchivalMetadata = archiver.NewArchivalMetadata(properties, cfg.Archival.History.Status, cfg.Archival.History.EnableRead,
		cfg.Archival.Visibility.Status, cfg.Archival.Visibility.EnableRead, &cfg.DomainDefaults.Archival)
	p.ArchiverProvider = provider.NewArchiverProvider(cfg.Archival.History.Provider, cfg.Archival.Visibility.Provider)
	p.PersistenceConfig.TransactionSizeLimit = properties.GetIntProperty(dynamicproperties.TransactionSizeLimit)
	p.PersistenceConfig.ErrorInjectionRate = properties.GetFloat64Property(dynamicproperties.PersistenceErrorInjectionRate)
	p.BlobstoreClient, err = filestore.NewFilestoreClient(cfg.Blobstore.Filestore)
	must(err)
	p.AsyncWorkflowQueueProvider, err = queue.NewAsyncQueueProvider(nil)
	must(err)
	connect(&p, cfg, serviceConfig, properties)
	return p
}

// connect gives a service its listeners, its membership ring and a client of the frontend.
func connect(p *resource.Params, cfg *config.Config, serviceConfig config.Service, properties *dynamicconfig.Collection) {
	group := cfg.ClusterGroupMetadata
	rpcParams, err := rpc.NewParams(p.Name, cfg, properties, p.Logger, p.MetricsClient)
	must(err)
	rpcParams.OutboundsBuilder = rpc.CombineOutbounds(rpcParams.OutboundsBuilder,
		rpc.NewCrossDCOutbounds(group.ClusterGroup, rpc.NewDNSPeerChooserFactory(cfg.PublicClient.RefreshInterval, p.Logger)))
	factory := rpc.NewFactory(p.Logger, rpcParams)
	p.RPCFactory = factory
	peers, err := ringpopprovider.New(p.Name, &cfg.Ringpop, factory.GetTChannel(), membership.PortMap{
		membership.PortGRPC: serviceConfig.RPC.GRPCPort, membership.PortTchannel: serviceConfig.RPC.Port}, p.Logger)
	must(err)
	p.HashRings = map[string]membership.SingleProvider{}
	for _, name := range service.ListWithRing {
		p.HashRings[name] = membership.NewHashring(
			name, peers, clock.NewRealTimeSource(), p.Logger, p.MetricsClient.Scope(metrics.HashringScope))
	}
	p.MembershipResolver, err = membership.NewResolver(peers, p.MetricsClient, p.Logger, p.HashRings)
	must(err)
	public := factory.GetDispatcher().ClientConfig(rpc.OutboundPublicClient)
	p.PublicClient = compatibility.NewThrift2ProtoAdapter(apiv1.NewDomainAPIYARPCClient(public), apiv1.NewWorkflowAPIYARPCClient(public),
		apiv1.NewWorkerAPIYARPCClient(public), apiv1.NewVisibilityAPIYARPCClient(public))
}

func start(name string, cfg *config.Config, logger clog.Logger, dynamic dynamicconfig.Client) {
	p := params(name, cfg, logger, dynamic)
	var d daemon
	var err error
	switch p.Name {
	case service.Frontend:
		d, err = frontend.NewService(&p)
	case service.History:
		d, err = history.NewService(&p)
	case service.Matching:
		d, err = matching.NewService(&p)
	case service.Worker:
		d, err = worker.NewService(&p)
	}
	must(err)
	go d.Start()
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: reference-cadence CONFIG_DIR")
	}
	loaded, err := config.New(config.Params{
		Service: "frontend", Context: config.Context{Environment: "development"}, ConfigDir: os.Args[1], Lifecycle: noHooks{}})
	must(err)
	cfg := loaded.Config
	zap, err := cfg.Log.NewZapLogger()
	must(err)
	logger := clog.NewLogger(zap)
	setupSchemas(&cfg)
	dynamic, err := dynamicconfig.NewFileBasedClient(&cfg.DynamicConfig.FileBased, logger, make(chan struct{}))
	must(err)
	for _, name := range []string{"history", "matching", "frontend"} {
		start(name, &cfg, logger, dynamic)
	}
	// The worker's system workflows start at once, and need the others on the ring.
	time.Sleep(3 * time.Second)
	start("worker", &cfg, logger, dynamic)
	fmt.Println("started")
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
}
