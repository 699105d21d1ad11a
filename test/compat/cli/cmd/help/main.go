// Prints what Cadence's command line offers, as JSON: every command with its aliases and its flags. A flag is one line: its kind, then its names,
// the first one being the full name. The recorded output (help.json) is what test/unit/cli compares ours with.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	urfave "github.com/urfave/cli/v2"
	"go.uber.org/zap"

	"github.com/uber/cadence/tools/cli"
)

type command struct {
	Path    string   `json:"path"`
	Aliases []string `json:"aliases,omitempty"`
	Flags   []string `json:"flags,omitempty"`
}

func flags(all []urfave.Flag) []string {
	out := []string{}
	for _, each := range all {
		kind := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", each), "*cli."), "Flag")
		if each.Names()[0] != "help" {
			out = append(out, kind+" "+strings.Join(each.Names(), " "))
		}
	}
	return out
}

func commands(parent string, all []*urfave.Command) []command {
	var out []command
	for _, each := range all {
		path := strings.TrimSpace(parent + " " + each.Name)
		out = append(out, command{Path: path, Aliases: each.Aliases, Flags: flags(each.Flags)})
		out = append(out, commands(path, each.Subcommands)...)
	}
	return out
}

func main() {
	app := cli.NewCliApp(cli.NewClientFactory(zap.NewNop()))
	tree := struct {
		Global   []string  `json:"global"`
		Commands []command `json:"commands"`
	}{flags(app.Flags), commands("", app.Commands)}
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(tree); err != nil {
		panic(err)
	}
}
