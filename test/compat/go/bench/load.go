// load.go is the process that measures: a closed loop of workflows, each timed from before its start is sent until a worker has heard that its completion
// was taken. The percentiles are of the workflows that ended within the window.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"antiphon.dev/compat/go/frontend"
	"go.uber.org/cadence/client"
)

const (
	callTimeout = 30 * time.Second

	// A workflow that was lost on the way is an error, not a wait for ever.
	endTimeout = time.Minute
)

var errNoEnd = errors.New("the workflow did not end")

type load struct {
	o      options
	client client.Client
	began  atomic.Int64

	workers sync.WaitGroup
	stdins  []io.Closer
	isOver  atomic.Bool

	mu       sync.Mutex
	waiting  map[int]chan struct{}
	inWindow bool
	took     []time.Duration
	errors   int
	finished int
	// Closed when so many have finished.
	target  int
	reached chan struct{}
}

type result struct {
	Count     int     `json:"count"`
	PerSecond float64 `json:"perSecond"`
	P50Ms     float64 `json:"p50Ms"`
	P95Ms     float64 `json:"p95Ms"`
	P99Ms     float64 `json:"p99Ms"`
	Errors    int     `json:"errors"`
	Seconds   float64 `json:"seconds"`
}

func measure(o options) error {
	out := json.NewEncoder(os.Stdout)
	if o.taskList == "" {
		// Workflows that an earlier run left open have numbers, too.
		o.taskList = fmt.Sprintf("go-bench-%d-%d", os.Getpid(), time.Now().Unix())
	}
	connection, err := frontend.Connect("antiphon-bench", o.address, nil)
	if err != nil {
		return err
	}
	l := &load{o: o, client: client.NewClient(connection.Service, o.domain, nil), waiting: map[int]chan struct{}{}}
	pids := []int{os.Getpid()}
	for range o.workers {
		pid, err := l.startWorker()
		if err != nil {
			return err
		}
		pids = append(pids, pid)
	}
	if err := out.Encode(map[string][]int{"pids": pids}); err != nil {
		return err
	}
	for range o.concurrency {
		go l.loop()
	}
	l.wait((o.operations+1)/2, o.warmUp)
	l.setWindow(true)
	if err := out.Encode(map[string]string{"edge": "start"}); err != nil {
		return err
	}
	begin := time.Now()
	l.wait(o.operations, o.window)
	seconds := time.Since(begin).Seconds()
	l.setWindow(false)
	if err := out.Encode(map[string]string{"edge": "end"}); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	l.stopWorkers()
	return out.Encode(l.result(seconds))
}

// startWorker runs this program once more; its stdin stays open as long as this process lives and measures.
func (l *load) startWorker() (int, error) {
	worker := exec.Command(os.Args[0], append(slices.Clone(os.Args[1:]), "-worker", "-task-list="+l.o.taskList)...)
	worker.Stderr = os.Stderr
	stdin, err := worker.StdinPipe()
	if err != nil {
		return 0, err
	}
	lines, err := worker.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := worker.Start(); err != nil {
		return 0, err
	}
	l.stdins = append(l.stdins, stdin)
	l.workers.Add(1)
	go func() {
		defer l.workers.Done()
		must(l.hear(lines))
		if err := worker.Wait(); !l.isOver.Load() {
			must(errors.Join(errors.New("a worker process ended"), err))
		}
	}()
	return worker.Process.Pid, nil
}

func (l *load) stopWorkers() {
	l.isOver.Store(true)
	for _, stdin := range l.stdins {
		_ = stdin.Close()
	}
	l.workers.Wait()
}

func (l *load) hear(lines io.Reader) error {
	scanner := bufio.NewScanner(lines)
	for scanner.Scan() {
		if scanner.Text() == failedCall {
			l.fail()
			continue
		}
		number, err := strconv.Atoi(scanner.Text())
		if err != nil {
			return err
		}
		l.mu.Lock()
		if ended := l.waiting[number]; ended != nil {
			delete(l.waiting, number)
			close(ended)
		}
		l.mu.Unlock()
	}
	return scanner.Err()
}

func (l *load) loop() {
	for {
		begin := time.Now()
		err := l.runOne()
		l.finish(time.Since(begin), err)
	}
}

func (l *load) runOne() error {
	number := int(l.began.Add(1))
	ended := make(chan struct{})
	l.mu.Lock()
	l.waiting[number] = ended
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	_, err := l.client.StartWorkflow(ctx, client.StartWorkflowOptions{
		TaskList:                     l.o.taskList,
		ExecutionStartToCloseTimeout: 10 * time.Hour,
	}, workflowName, number)
	if err == nil {
		timer := time.NewTimer(endTimeout)
		defer timer.Stop()
		select {
		case <-ended:
			return nil
		case <-timer.C:
			err = errNoEnd
		}
	}
	l.mu.Lock()
	delete(l.waiting, number)
	l.mu.Unlock()
	return err
}

// fail counts a call of a worker that failed.
func (l *load) fail() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inWindow {
		l.errors++
	}
}

func (l *load) finish(took time.Duration, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inWindow && err != nil {
		l.errors++
	} else if l.inWindow {
		l.took = append(l.took, took)
	}
	if l.finished++; l.reached != nil && l.finished == l.target {
		close(l.reached)
	}
}

func (l *load) setWindow(is bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inWindow = is
}

// wait returns when so many more have finished, or, of zero, after so long.
func (l *load) wait(count int, long time.Duration) {
	if count == 0 {
		time.Sleep(long)
		return
	}
	reached := make(chan struct{})
	l.mu.Lock()
	l.target, l.reached = l.finished+count, reached
	l.mu.Unlock()
	<-reached
}

func (l *load) result(seconds float64) result {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.Sort(l.took)
	at := func(share float64) float64 {
		if len(l.took) == 0 {
			return 0
		}
		index := min(len(l.took)-1, int(float64(len(l.took))*share))
		return float64(l.took[index]) / float64(time.Millisecond)
	}
	count := len(l.took)
	return result{
		Count: count, PerSecond: float64(count) / seconds, Errors: l.errors, Seconds: seconds,
		P50Ms: at(0.5), P95Ms: at(0.95), P99Ms: at(0.99),
	}
}
