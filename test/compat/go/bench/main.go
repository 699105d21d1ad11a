// Program bench loads a frontend with the unmodified Go client, as `npm run bench -- go-activity-50` uses it: one process that starts workflows
// and measures, and worker processes that it starts itself, each with a client and a connection of its own. A workflow is one activity without work.
//
// On stdout it prints lines of JSON: {"pids":[…]} of all its processes, {"edge":"start"} and {"edge":"end"} at the edges of the measured
// window, and at last the result. Between the second edge and the result its processes live on until stdin ends, so that what they used
// can be read.
package main

import (
	"flag"
	"log"
	"time"
)

// options are the same in the process that starts workflows and in the workers, which get its arguments.
type options struct {
	address     string
	domain      string
	taskList    string
	concurrency int
	warmUp      time.Duration
	window      time.Duration
	operations  int
	workers     int
	pollers     int
	isWorker    bool
}

func main() {
	log.SetFlags(0)
	var o options
	flag.StringVar(&o.address, "address", "127.0.0.1:7833", "gRPC address of the frontend, or several with commas")
	flag.StringVar(&o.domain, "domain", "bench", "domain, which must exist")
	flag.StringVar(&o.taskList, "task-list", "", "task list of workflows and activities (default one of its own)")
	flag.IntVar(&o.concurrency, "concurrency", 50, "workflows open at once")
	flag.DurationVar(&o.warmUp, "warm-up", 5*time.Second, "time before the measured window")
	flag.DurationVar(&o.window, "window", 20*time.Second, "measured window")
	flag.IntVar(&o.operations, "operations", 0, "workflows of the window, after half as many to warm up, instead of times")
	flag.IntVar(&o.workers, "workers", 3, "worker processes")
	flag.IntVar(&o.pollers, "pollers", 16, "decision pollers of a worker process, and as many activity pollers")
	flag.BoolVar(&o.isWorker, "worker", false, "be one of the workers (used by the program itself)")
	flag.Parse()
	if o.isWorker {
		must(runWorker(o))
		return
	}
	must(measure(o))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
