// Program secure runs a worker and a workflow against a server with TLS and JWT, as docs/operate/security.md shows it.
//
// What it needs comes from the environment: ANTIPHON_TLS_CA, the authority's certificate, and ANTIPHON_JWT, a token whose group may write in the
// domain payments.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log"
	"os"
	"time"

	apiv1 "github.com/uber/cadence-idl/go/proto/api/v1"
	"go.uber.org/cadence/.gen/go/cadence/workflowserviceclient"
	"go.uber.org/cadence/activity"
	"go.uber.org/cadence/client"
	"go.uber.org/cadence/compatibility"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
	"go.uber.org/yarpc"
	"go.uber.org/yarpc/api/transport"
	"go.uber.org/yarpc/peer"
	"go.uber.org/yarpc/peer/hostport"
	"go.uber.org/yarpc/transport/grpc"
	"google.golang.org/grpc/credentials"
)

const (
	domain   = "payments"
	taskList = "greetings"
)

// token gives the client its JWT. A longer-lived program would read it from a file that is renewed.
type token string

func (t token) GetAuthToken() ([]byte, error) { return []byte(t), nil }

func main() {
	address := os.Getenv("ANTIPHON_ADDRESS")
	if address == "" {
		address = "127.0.0.1:7833"
	}
	service, err := connect(address, os.Getenv("ANTIPHON_TLS_CA"))
	must(err)
	jwt := token(os.Getenv("ANTIPHON_JWT"))

	w := worker.New(service, domain, taskList, worker.Options{Authorization: jwt})
	w.RegisterWorkflowWithOptions(greet, workflow.RegisterOptions{Name: "greet"})
	w.RegisterActivityWithOptions(sayHello, activity.RegisterOptions{Name: "sayHello"})
	must(w.Start())
	defer w.Stop()

	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c := client.NewClient(service, domain, &client.Options{Authorization: jwt})
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		TaskList:                     taskList,
		ExecutionStartToCloseTimeout: time.Minute,
	}, "greet", "world")
	must(err)
	var greeting string
	must(run.Get(ctx, &greeting))
	fmt.Println(greeting)
}

func greet(ctx workflow.Context, name string) (string, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToStartTimeout: 10 * time.Second,
		StartToCloseTimeout:    10 * time.Second,
	})
	var greeting string
	err := workflow.ExecuteActivity(ctx, "sayHello", name).Get(ctx, &greeting)
	return greeting, err
}

func sayHello(_ context.Context, name string) (string, error) {
	return "Hello, " + name + ", over TLS", nil
}

func connect(address, caFile string) (workflowserviceclient.Interface, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, err
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", caFile)
	}
	secure := credentials.NewTLS(&tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12})
	wire := grpc.NewTransport()
	outbound := wire.NewOutbound(
		peer.NewSingle(hostport.Identify(address), wire.NewDialer(grpc.DialerCredentials(secure))),
	)
	dispatcher := yarpc.NewDispatcher(yarpc.Config{
		Name:      "payments",
		Outbounds: yarpc.Outbounds{"cadence-frontend": transport.Outbounds{Unary: outbound}},
	})
	if err := dispatcher.Start(); err != nil {
		return nil, err
	}
	config := dispatcher.ClientConfig("cadence-frontend")
	return compatibility.NewThrift2ProtoAdapter(
		apiv1.NewDomainAPIYARPCClient(config),
		apiv1.NewWorkflowAPIYARPCClient(config),
		apiv1.NewWorkerAPIYARPCClient(config),
		apiv1.NewVisibilityAPIYARPCClient(config),
	), nil
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
