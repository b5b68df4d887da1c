//go:build real

package kafkatest

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Options say which cluster Start makes. The zero value is one node in clear.
type Options struct {
	// Nodes is 1 or 3; 0 is 1. Three nodes keep each partition three times and
	// want two of them for an acknowledgement of "all".
	Nodes int
	// Secure adds three listeners and access control lists: who comes by them may
	// do what Allow said; who comes by Brokers may do everything.
	Secure bool
	// HeapMB bounds each node's heap, in MiB; 0 is 256.
	HeapMB int
	// Settings are lines of each node's server.properties; they come last.
	Settings map[string]string
	// JVM are options of each node's Java, such as -XX:-TieredCompilation.
	JVM []string
}

// Names of the listeners.
const (
	inClear  = "PLAINTEXT"
	quorum   = "CONTROLLER"
	password = "SASL"
	sealed   = "SASLTLS"
	mutual   = "MTLS"
)

func (o *Options) fill() error {
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	if o.HeapMB == 0 {
		o.HeapMB = 256
	}
	if o.Nodes != 1 && o.Nodes != 3 {
		return fmt.Errorf("kafkatest: %d nodes; 1 or 3 can be had", o.Nodes)
	}
	return nil
}

// listeners are the names of the ports that a node of these options has.
func (o *Options) listeners() []string {
	if o.Secure {
		return []string{inClear, quorum, password, sealed, mutual}
	}
	return []string{inClear, quorum}
}

// classPath reads the file that fetch.sh wrote.
func classPath() (string, error) {
	file := os.Getenv("GREFFE_KAFKA_CP")
	if file == "" {
		cache := os.Getenv("GREFFE_REAL")
		if cache == "" {
			home, err := os.UserHomeDir()
			if err != nil {
				return "", fmt.Errorf("kafkatest: %w", err)
			}
			cache = filepath.Join(home, ".cache", "greffe-real")
		}
		file = filepath.Join(cache, "kafka", "cp.txt")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("kafkatest: Apache Kafka is not here; get it by: deploy/real/fetch.sh kafka (%w)", err)
	}
	return strings.TrimSpace(string(data)), nil
}

// settings are those of every node.
func (o *Options) settings() map[string]string {
	inSync := (o.Nodes + 1) / 2
	s := map[string]string{
		"process.roles":                  "broker,controller",
		"controller.listener.names":      quorum,
		"inter.broker.listener.name":     inClear,
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,SASLTLS:SASL_SSL,MTLS:SSL",

		"auto.create.topics.enable":                        "false",
		"default.replication.factor":                       fmt.Sprint(o.Nodes),
		"min.insync.replicas":                              fmt.Sprint(inSync),
		"offsets.topic.num.partitions":                     "4",
		"offsets.topic.replication.factor":                 fmt.Sprint(o.Nodes),
		"transaction.state.log.num.partitions":             "2",
		"transaction.state.log.replication.factor":         fmt.Sprint(o.Nodes),
		"transaction.state.log.min.isr":                    fmt.Sprint(inSync),
		"share.coordinator.state.topic.num.partitions":     "1",
		"share.coordinator.state.topic.replication.factor": fmt.Sprint(o.Nodes),
		"share.coordinator.state.topic.min.isr":            fmt.Sprint(inSync),

		"broker.heartbeat.interval.ms":          "500",
		"broker.session.timeout.ms":             "4000",
		"controller.quorum.election.timeout.ms": "1000",
		"controller.quorum.fetch.timeout.ms":    "2000",
		"replica.lag.time.max.ms":               "6000",
		"group.initial.rebalance.delay.ms":      "0",
		"group.min.session.timeout.ms":          "1000",

		"log.retention.check.interval.ms":  "500",
		"log.segment.delete.delay.ms":      "500",
		"log.cleaner.dedupe.buffer.size":   "4194304",
		"log.cleaner.io.buffer.size":       "131072",
		"log.index.size.max.bytes":         "1048576",
		"num.io.threads":                   "2",
		"num.network.threads":              "2",
		"background.threads":               "2",
		"controlled.shutdown.enable":       "true",
		"socket.request.max.bytes":         "104857600",
		"unclean.leader.election.enable":   "false",
		"log.flush.scheduler.interval.ms":  "9223372036854775807",
		"remote.log.storage.system.enable": "false",
	}
	if o.Secure {
		maps.Copy(s, secureSettings())
	}
	return s
}

// properties is the text of a server.properties; later maps win.
func properties(layers ...map[string]string) string {
	all := map[string]string{}
	for _, l := range layers {
		maps.Copy(all, l)
	}
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&b, "%s=%s\n", k, all[k])
	}
	return b.String()
}
