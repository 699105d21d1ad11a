// Package frontend connects the official Go client to a Cadence-compatible frontend over gRPC, for the suite and for the bench.
package frontend

import (
	"strings"

	apiv1 "github.com/uber/cadence-idl/go/proto/api/v1"
	"go.uber.org/cadence/.gen/go/cadence/workflowserviceclient"
	"go.uber.org/cadence/compatibility"
	"go.uber.org/yarpc"
	"go.uber.org/yarpc/api/middleware"
	"go.uber.org/yarpc/api/peer"
	yarpcpeer "go.uber.org/yarpc/peer"
	"go.uber.org/yarpc/peer/hostport"
	"go.uber.org/yarpc/peer/roundrobin"
	"go.uber.org/yarpc/transport/grpc"
)

const (
	serviceName = "cadence-frontend"
	maxMessage  = 64 << 20
)

// Connection is one process's way to a frontend: one HTTP/2 connection to each address.
type Connection struct {
	Service workflowserviceclient.Interface

	// These see the wire as it is; the adapter in Service drops some fields.
	Workflow   apiv1.WorkflowAPIYARPCClient
	Visibility apiv1.VisibilityAPIYARPCClient
	Meta       apiv1.MetaAPIYARPCClient

	dispatcher *yarpc.Dispatcher
}

// Connect reaches the frontends at addresses, separated by commas, as the caller of that name. calls sees each call; nil: nobody does.
func Connect(caller, addresses string, calls middleware.UnaryOutbound) (*Connection, error) {
	transport := grpc.NewTransport(grpc.ClientMaxRecvMsgSize(maxMessage), grpc.ClientMaxSendMsgSize(maxMessage))
	dispatcher := yarpc.NewDispatcher(yarpc.Config{
		Name:               caller,
		Outbounds:          yarpc.Outbounds{serviceName: {Unary: outbound(transport, strings.Split(addresses, ","))}},
		OutboundMiddleware: yarpc.OutboundMiddleware{Unary: calls},
	})
	if err := dispatcher.Start(); err != nil {
		return nil, err
	}
	config := dispatcher.ClientConfig(serviceName)
	connection := &Connection{
		Workflow:   apiv1.NewWorkflowAPIYARPCClient(config),
		Visibility: apiv1.NewVisibilityAPIYARPCClient(config),
		Meta:       apiv1.NewMetaAPIYARPCClient(config),
		dispatcher: dispatcher,
	}
	connection.Service = compatibility.NewThrift2ProtoAdapter(
		apiv1.NewDomainAPIYARPCClient(config),
		connection.Workflow,
		apiv1.NewWorkerAPIYARPCClient(config),
		connection.Visibility,
	)
	return connection, nil
}

// Close ends the connection; calls in flight fail.
func (c *Connection) Close() error { return c.dispatcher.Stop() }

// outbound sends call after call to the next of several frontends, as a load balancer does.
func outbound(transport *grpc.Transport, addresses []string) *grpc.Outbound {
	if len(addresses) == 1 {
		return transport.NewSingleOutbound(addresses[0])
	}
	peers := make([]peer.Identifier, len(addresses))
	for i, address := range addresses {
		peers[i] = hostport.Identify(address)
	}
	return transport.NewOutbound(yarpcpeer.Bind(roundrobin.New(transport), yarpcpeer.BindPeers(peers)))
}
