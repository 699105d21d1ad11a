// Cadence's own command line, built from its published packages with nothing of ours in it. The suite next to it runs
// this binary against Antiphon. It has no database plugins: `admin database` commands, which go around the server, are out of scope.
package main

import (
	"os"

	"go.uber.org/zap"

	"github.com/uber/cadence/tools/cli"
	"github.com/uber/cadence/tools/common/commoncli"
)

func main() {
	logger, err := zap.NewDevelopment()
	if err != nil {
		panic(err)
	}
	commoncli.ExitHandler(cli.NewCliApp(cli.NewClientFactory(logger)).Run(os.Args))
}
