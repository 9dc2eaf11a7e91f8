// Reads a compose file as docker compose does, by the library that it is made of, and prints the whole model as JSON:
// variables replaced, .env and env_file read, defaults filled in. What is wrong goes to standard error, with exit code 1.
//
//	compose-parser <directory> [variable=value …]
//
// Variables come from the arguments and from .env of the directory alone, never from the environment of this process.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 0 {
		return fmt.Errorf("usage: compose-parser <directory> [variable=value …]")
	}
	options, err := cli.NewProjectOptions(nil,
		cli.WithWorkingDirectory(arguments[0]),
		cli.WithEnv(arguments[1:]),
		cli.WithEnvFiles(),
		cli.WithDotEnv,
		cli.WithDefaultConfigPath,
		cli.WithResolvedPaths(true),
	)
	if err != nil {
		return err
	}
	project, err := options.LoadProject(context.Background())
	if err != nil {
		return err
	}
	// What containers get in the end: env_file below environment.
	project, err = project.WithServicesEnvironmentResolved(true)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(project)
}
