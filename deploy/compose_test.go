package deploy_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"greffe/api/kafka"
)

func compose(t *testing.T) tree {
	t.Helper()
	return documents(t, "compose.yaml")[0]
}

func services(t *testing.T, doc tree) tree {
	t.Helper()
	s, _ := doc["services"].(tree)
	if len(s) < 7 {
		t.Fatalf("compose.yaml has %d services", len(s))
	}
	return s
}

func keys(v any) []string {
	m, _ := v.(tree)
	return slices.Sorted(maps.Keys(m))
}

// TestComposeRefersToWhatIsThere: volumes, networks, secrets, configs, services and
// files that are named exist, and none exists that nobody names.
func TestComposeRefersToWhatIsThere(t *testing.T) {
	t.Parallel()
	doc := compose(t)
	used := map[string]map[string]bool{"volumes": {}, "networks": {}, "secrets": {}, "configs": {}}
	for name, s := range services(t, doc) {
		for _, v := range list(s, "volumes") {
			used["volumes"][strings.SplitN(v.(string), ":", 2)[0]] = true
		}
		for _, n := range list(s, "networks") {
			used["networks"][n.(string)] = true
		}
		for _, n := range list(s, "secrets") {
			used["secrets"][n.(string)] = true
		}
		for _, c := range list(s, "configs") {
			used["configs"][text(c, "source")] = true
		}
		for _, on := range keys(at(s, "depends_on")) {
			other, there := at(doc, "services", on).(tree)
			if !there {
				t.Errorf("%s waits for %s, which there is not", name, on)
			}
			if text(s, "depends_on", on, "condition") == "service_healthy" && len(list(other, "healthcheck", "test")) == 0 {
				t.Errorf("%s waits for %s to be healthy, which has no check", name, on)
			}
		}
	}
	for kind, names := range used {
		if got := keys(doc[kind]); !slices.Equal(got, slices.Sorted(maps.Keys(names))) {
			t.Errorf("%s are %v, those used %v", kind, got, slices.Sorted(maps.Keys(names)))
		}
	}
	for _, c := range keys(doc["configs"]) {
		if _, err := os.Stat(text(doc, "configs", c, "file")); err != nil {
			t.Errorf("config %s: %v", c, err)
		}
	}
	made := read(t, "compose/secrets.sh")
	for _, s := range keys(doc["secrets"]) {
		if file := text(doc, "secrets", s, "file"); file != "secrets/"+s || !strings.Contains(made, s) {
			t.Errorf("secret %s: compose/secrets.sh does not make %s", s, file)
		}
	}
}

// TestComposeIsClosed: what is published, is on loopback; what is not, is on
// networks without a way out; every image has a version and a place for its digest.
func TestComposeIsClosed(t *testing.T) {
	t.Parallel()
	doc := compose(t)
	pinned := regexp.MustCompile(`^[a-z0-9./-]+:[v0-9][0-9.]*\$\{([A-Z]+)_DIGEST:-\}$`)
	for name, s := range services(t, doc) {
		if ports := list(s, "ports"); len(ports) > 0 && name != "greffe" && name != "grafana" {
			t.Errorf("%s is published: %v", name, ports)
		}
		for _, p := range list(s, "ports") {
			if !strings.HasPrefix(p.(string), "127.0.0.1:") {
				t.Errorf("%s is published beyond loopback: %v", name, p)
			}
		}
		if image := text(s, "image"); !pinned.MatchString(image) && image != "greffe:local" {
			t.Errorf("%s: image %s is not pinned", name, image)
		}
		if name != "greffe" && name != "topics" && len(list(s, "healthcheck", "test")) == 0 {
			t.Errorf("%s has no health check", name)
		}
	}
	for _, n := range keys(doc["networks"]) {
		if internal := at(doc, "networks", n, "internal"); n != "front" && internal != true {
			t.Errorf("network %s leads out", n)
		}
	}
}

// TestComposeSettings: each setting of Greffe is a flag of Greffe, and what it
// points to is mounted, served or listened on.
func TestComposeSettings(t *testing.T) {
	t.Parallel()
	doc := compose(t)
	greffe := at(doc, "services", "greffe")
	known := flagVariables(t)
	mounts := map[string]bool{}
	for _, v := range list(greffe, "volumes") {
		mounts[strings.SplitN(v.(string), ":", 2)[1]] = true
	}
	for _, name := range keys(at(greffe, "environment")) {
		value := text(greffe, "environment", name)
		if !slices.Contains(known, name) {
			t.Errorf("%s is no flag of greffe", name)
		}
		switch {
		case strings.HasSuffix(name, "_PASSWORD_FILE"):
			if !slices.Contains(list(greffe, "secrets"), any(filepath.Base(value))) {
				t.Errorf("%s: %s is no secret of the service", name, value)
			}
		case strings.HasSuffix(name, "_STORE"):
			host := regexp.MustCompile(`^[a-z]+://(?:[a-z]+@)?([a-z]+):([0-9]+)`).FindStringSubmatch(value)
			if host == nil || at(doc, "services", host[1]) == nil {
				t.Errorf("%s: %s is no service", name, value)
			}
		case slices.Contains([]string{"GREFFE_DATA", "GREFFE_FENCE_DIR", "GREFFE_BACKUP_DIR"}, name):
			if !mounts[value] {
				t.Errorf("%s: %s is no volume", name, value)
			}
		}
	}
	if dir := filepath.Dir(text(greffe, "environment", "GREFFE_KEK")); !mounts[dir] {
		t.Errorf("the key would be lost with the container: %s", dir)
	}
	if l := text(greffe, "environment", "GREFFE_LISTEN"); l != "0.0.0.0:8080" || list(greffe, "ports")[0] != "127.0.0.1:8080:8080" {
		t.Errorf("listens on %s, published %v", l, list(greffe, "ports"))
	}
}

// TestComposeKafka: Greffe's settings of Kafka are read by Greffe, and the topics
// in them are made.
func TestComposeKafka(t *testing.T) {
	t.Parallel()
	cfg, err := kafka.Load("compose/kafka.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, ack := range cfg.Publish.Acknowledgements.Topics {
		want = append(want, ack.Topic)
	}
	for _, in := range cfg.Intake.Topics {
		want = append(want, in.Topic)
	}
	for _, out := range kafka.PublishTopics() {
		want = append(want, cfg.Publish.Prefix+out)
	}
	doc := compose(t)
	made := regexp.MustCompile(`for topic in ([^;]+);`).FindStringSubmatch(text(list(doc, "services", "topics", "command")[0]))
	if made == nil {
		t.Fatal("the service topics makes none")
	}
	slices.Sort(want)
	if got := slices.Sorted(slices.Values(strings.Fields(made[1]))); !slices.Equal(got, want) {
		t.Errorf("made are %v, the settings name %v", got, want)
	}
	if got := text(doc, "services", "kafka", "environment", "KAFKA_ADVERTISED_LISTENERS"); got != "PLAINTEXT://"+cfg.Brokers[0] {
		t.Errorf("the broker is advertised as %s, asked for at %s", got, cfg.Brokers[0])
	}
}

// TestComposeClickHouse: users.xml takes from the environment what secrets.sh makes.
func TestComposeClickHouse(t *testing.T) {
	t.Parallel()
	made := read(t, "compose/secrets.sh")
	taken := regexp.MustCompile(`from_env="([A-Z0-9_]+)"`).FindAllStringSubmatch(read(t, "clickhouse/users.xml"), -1)
	if len(taken) == 0 {
		t.Fatal("users.xml takes nothing from the environment")
	}
	for _, m := range taken {
		if !strings.Contains(made, m[1]+"=$(hash_of ") {
			t.Errorf("nobody makes %s", m[1])
		}
	}
	if got := list(compose(t), "services", "clickhouse", "env_file"); len(got) != 1 || got[0] != "secrets/clickhouse.env" {
		t.Errorf("the server's environment comes from %v", got)
	}
}

// TestWatching: Prometheus asks where Greffe listens, with the alerts that ship, and
// Grafana asks Prometheus.
func TestWatching(t *testing.T) {
	t.Parallel()
	doc := compose(t)
	prom := documents(t, "compose/prometheus.yml")[0]
	if got := text(doc, "services", "prometheus", "network_mode"); got != "service:greffe" {
		t.Errorf("metrics are for loopback, Prometheus is in %q", got)
	}
	if got := list(prom, "scrape_configs", 0, "static_configs", 0, "targets"); len(got) != 1 || got[0] != "127.0.0.1:8080" {
		t.Errorf("Prometheus asks %v", got)
	}
	if got := text(prom, "scrape_configs", 0, "job_name"); got != "greffe" || !strings.Contains(read(t, "prometheus/alerts.yaml"), `job="greffe"`) {
		t.Errorf("the alert on %q is on another job", got)
	}
	mounted := map[string]bool{}
	for _, c := range list(doc, "services", "prometheus", "configs") {
		mounted[text(c, "target")] = true
	}
	for _, f := range list(prom, "rule_files") {
		if !mounted[f.(string)] {
			t.Errorf("%v is not mounted", f)
		}
	}
	source := documents(t, "compose/grafana-datasource.yaml")[0]
	if got := text(source, "datasources", 0, "url"); got != "http://greffe:9090" {
		t.Errorf("Grafana asks %s", got)
	}
	dir := text(documents(t, "compose/grafana-provider.yaml")[0], "providers", 0, "options", "path")
	for _, c := range list(doc, "services", "grafana", "configs") {
		if text(c, "source") == "grafana_dashboard" && filepath.Dir(text(c, "target")) != dir {
			t.Errorf("the dashboard is at %s, looked for in %s", text(c, "target"), dir)
		}
	}
}
