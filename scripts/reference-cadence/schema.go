// The schema of the stores that the config names: SQLite's files by Cadence's SQL, keyspaces of a Cassandra server by the module of Cadence's own
// cadence-cassandra-tool. Keyspaces are made when they are absent and dropped by whoever asked for them.
package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/uber/cadence/common/config"
	"github.com/uber/cadence/common/persistence/nosql/nosqlplugin/cassandra/gocql"
	// Registers the Cassandra plugin and its client, as Cadence's own server does.
	_ "github.com/uber/cadence/common/persistence/nosql/nosqlplugin/cassandra/gocql/public"
	csql "github.com/uber/cadence/common/persistence/sql"
	_ "github.com/uber/cadence/common/persistence/sql/sqlplugin/sqlite"
	cassandraschema "github.com/uber/cadence/schema/cassandra"
	sqliteschema "github.com/uber/cadence/schema/sqlite"
	ctool "github.com/uber/cadence/tools/cassandra"
	"github.com/uber/cadence/tools/common/schema"
)

const schemaReplicas = 1

func setupSchemas(cfg *config.Config) {
	stores := cfg.Persistence
	setupSchema(stores.DataStores[stores.DefaultStore], "cadence", cassandraschema.Version)
	setupSchema(stores.DataStores[stores.VisibilityStore], "visibility", cassandraschema.VisibilityVersion)
}

func setupSchema(store config.DataStore, part, keyspaceVersion string) {
	if store.NoSQL != nil {
		setupKeyspace(store.NoSQL, part, keyspaceVersion)
	} else {
		setupFile(store.SQL, part)
	}
}

func setupFile(store *config.SQL, part string) {
	db, err := csql.NewSQLAdminDB(store)
	must(err)
	statements, err := fs.ReadFile(sqliteschema.SchemaFS, part+"/schema.sql")
	must(err)
	must(db.CreateSchemaVersionTables())
	must(db.ExecSchemaOperationQuery(context.Background(), string(statements)))
	must(db.UpdateSchemaVersion(store.DatabaseName, "0.99", "0.0"))
}

func setupKeyspace(store *config.NoSQL, part, version string) {
	client := ctool.CQLClientConfig{Hosts: store.Hosts, Port: store.Port, Keyspace: ctool.SystemKeyspace,
		Timeout: ctool.DefaultTimeout, ConnectTimeout: ctool.DefaultConnectTimeout, NumReplicas: schemaReplicas}
	admin, err := ctool.NewCQLClient(&client, gocql.All)
	must(err)
	must(admin.CreateKeyspace(store.Keyspace))
	admin.Close()
	// The tool reads its statements from a file.
	statements, err := fs.ReadFile(cassandraschema.SchemaFS, part+"/schema.cql")
	must(err)
	folder, err := os.MkdirTemp("", "cadence-schema-")
	must(err)
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "schema.cql")
	must(os.WriteFile(file, statements, 0o600))
	client.Keyspace = store.Keyspace
	must(ctool.SetupSchema(&ctool.SetupSchemaConfig{
		CQLClientConfig: client, SetupConfig: schema.SetupConfig{SchemaFilePath: file, InitialVersion: version}}))
}
