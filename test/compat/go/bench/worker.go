// worker.go is one worker process. What ended it tells on stdout, a line each: the number of a workflow once the server has taken its completion, or
// `failed` for a call that failed. It ends when its stdin does, so that no worker outlives the process that measures.
package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"time"

	"antiphon.dev/compat/go/frontend"
	"go.uber.org/cadence/.gen/go/cadence/workflowserviceclient"
	"go.uber.org/cadence/.gen/go/shared"
	"go.uber.org/cadence/activity"
	"go.uber.org/cadence/worker"
	"go.uber.org/cadence/workflow"
	"go.uber.org/yarpc"
	"go.uber.org/yarpc/api/transport"
	"go.uber.org/zap"
)

const (
	workflowName = "bench"
	activityName = "noop"
	failedCall   = "failed"

	// Lines that wait for the pipe; the other end only ever counts them.
	linesMax = 10_000
)

func runWorker(o options) error {
	lines := make(chan []byte, linesMax)
	go writeLines(lines)
	connection, err := frontend.Connect("antiphon-bench", o.address, failures{lines})
	if err != nil {
		return err
	}
	w := worker.New(endings{connection.Service, lines}, o.domain, o.taskList, workerOptions(o))
	w.RegisterWorkflowWithOptions(runOne, workflow.RegisterOptions{Name: workflowName})
	w.RegisterActivityWithOptions(func(context.Context) error { return nil }, activity.RegisterOptions{Name: activityName})
	if err := w.Start(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// workerOptions are the client's own (sticky lists with a cache of 10,000 runs, 1,000 tasks at once) but for the pollers: two of a kind are the limit at
// once when an answer takes milliseconds. Half of the decision pollers wait at the sticky list. As many activity pollers wait for activities that come
// with the answer of the decision that scheduled them; the client asks for that only when one of them is free, or the activity takes a poll of its own.
func workerOptions(o options) worker.Options {
	return worker.Options{
		MaxConcurrentDecisionTaskPollers: o.pollers,
		MaxConcurrentActivityTaskPollers: o.pollers,
		Logger:                           zap.NewNop(),
	}
}

// runOne gives its number back, which is how endings knows it.
func runOne(ctx workflow.Context, number int) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		ScheduleToStartTimeout: 10 * time.Minute,
		StartToCloseTimeout:    10 * time.Minute,
	})
	return number, workflow.ExecuteActivity(ctx, activityName).Get(ctx, nil)
}

// endings tells of each workflow's end when the server has answered for it.
type endings struct {
	workflowserviceclient.Interface
	lines chan<- []byte
}

func (e endings) RespondDecisionTaskCompleted(
	ctx context.Context, request *shared.RespondDecisionTaskCompletedRequest, opts ...yarpc.CallOption,
) (*shared.RespondDecisionTaskCompletedResponse, error) {
	response, err := e.Interface.RespondDecisionTaskCompleted(ctx, request, opts...)
	if err != nil {
		return nil, err
	}
	for _, decision := range request.Decisions {
		if completed := decision.CompleteWorkflowExecutionDecisionAttributes; completed != nil {
			e.lines <- bytes.TrimSpace(completed.Result)
		}
	}
	return response, nil
}

// failures tells of each call that failed, also of those that the client makes again.
type failures struct{ lines chan<- []byte }

func (f failures) Call(ctx context.Context, request *transport.Request, out transport.UnaryOutbound) (*transport.Response, error) {
	response, err := out.Call(ctx, request)
	if err != nil {
		f.lines <- []byte(failedCall)
	}
	return response, err
}

// writeLines writes as many lines at once as have come.
func writeLines(lines <-chan []byte) {
	var batch bytes.Buffer
	for line := range lines {
		batch.Reset()
		for more := len(lines); ; more-- {
			batch.Write(line)
			batch.WriteByte('\n')
			if more == 0 {
				break
			}
			line = <-lines
		}
		_, err := os.Stdout.Write(batch.Bytes())
		must(err)
	}
}
