package deploy_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"greffe/api/kafka"
)

func manifest(t *testing.T, file, kind string) tree {
	t.Helper()
	for _, doc := range documents(t, "kubernetes/"+file) {
		if text(doc, "kind") == kind {
			return doc
		}
	}
	t.Fatalf("%s has no %s", file, kind)
	return nil
}

func pod(t *testing.T) any {
	t.Helper()
	return at(manifest(t, "statefulset.yaml", "StatefulSet"), "spec", "template", "spec")
}

func names(l []any) (out []string) {
	for _, x := range l {
		out = append(out, text(x, "name"))
	}
	return out
}

// TestKustomizationIsWhole: every manifest is applied, but for the optional one.
func TestKustomizationIsWhole(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("kubernetes/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range files {
		if b := filepath.Base(f); b != "kustomization.yaml" && b != "monitor.yaml" {
			want = append(want, b)
			if !strings.Contains(strings.SplitN(read(t, f), "\n", 2)[0], "NOT RUN") {
				t.Errorf("%s does not say in its first line that it was not run", f)
			}
		}
	}
	var got []string
	for _, r := range list(documents(t, "kubernetes/kustomization.yaml")[0], "resources") {
		got = append(got, r.(string))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("applied are %v, there are %v", got, want)
	}
}

// TestPodSettings: each setting is a flag, from a place that exists.
func TestPodSettings(t *testing.T) {
	t.Parallel()
	known := flagVariables(t)
	config := at(manifest(t, "config.yaml", "ConfigMap"), "data").(tree)
	greffe := at(pod(t), "containers", 0)
	taken := map[string]bool{"kafka.yaml": true}
	var mounts []string
	for _, m := range list(greffe, "volumeMounts") {
		mounts = append(mounts, text(m, "mountPath"))
	}
	for _, e := range list(greffe, "env") {
		name, value := text(e, "name"), text(e, "value")
		if !slices.Contains(known, name) {
			t.Errorf("%s is no flag of greffe", name)
		}
		if key := text(e, "valueFrom", "configMapKeyRef", "key"); key != "" {
			taken[key] = true
			if value = text(config, key); value == "" {
				t.Errorf("%s: config.yaml has no %s", name, key)
			}
			for _, file := range regexp.MustCompile(`=(/[a-z/.]+)`).FindAllStringSubmatch(value, -1) {
				if !within(mounts, file[1]) {
					t.Errorf("%s: nothing is mounted at %s", name, file[1])
				}
			}
		}
		if strings.HasPrefix(value, "/") && !within(mounts, value) {
			t.Errorf("%s: nothing is mounted at %s", name, value)
		}
	}
	for key := range config {
		if !taken[key] {
			t.Errorf("config.yaml has %s, which nobody takes", key)
		}
	}
	if at(pod(t), "enableServiceLinks") != false {
		t.Error("the cluster would set variables GREFFE_… of its own")
	}
}

func within(dirs []string, file string) bool {
	return slices.ContainsFunc(dirs, func(d string) bool { return strings.HasPrefix(file, d+"/") || file == d })
}

// TestPodVolumes: what is mounted is there; what truth a node has survives it; the
// secrets are those that the page says how to make.
func TestPodVolumes(t *testing.T) {
	t.Parallel()
	set, p := manifest(t, "statefulset.yaml", "StatefulSet"), pod(t)
	var claims []string
	for _, c := range list(set, "spec", "volumeClaimTemplates") {
		claims = append(claims, text(c, "metadata", "name"))
	}
	there := append(names(list(p, "volumes")), claims...)
	used := map[string]bool{}
	for _, c := range append(list(p, "containers"), list(p, "initContainers")...) {
		for _, m := range list(c, "volumeMounts") {
			used[text(m, "name")] = true
			if !slices.Contains(there, text(m, "name")) {
				t.Errorf("%s mounts %s, which there is not", text(c, "name"), text(m, "name"))
			}
		}
	}
	for _, v := range there {
		if !used[v] {
			t.Errorf("nobody mounts %s", v)
		}
	}
	for _, v := range []string{"data", "fence"} {
		if !slices.Contains(claims, v) {
			t.Errorf("%s is lost with the pod", v)
		}
	}
	page := read(t, "kubernetes/README.md")
	for _, v := range list(p, "volumes") {
		for _, name := range []string{text(v, "secret", "secretName"), text(v, "configMap", "name")} {
			if name != "" && name != "greffe" && !strings.Contains(page, name) {
				t.Errorf("README.md does not say how to make %s", name)
			}
		}
	}
	for _, e := range list(p, "containers", 0, "env") {
		if v := text(e, "value"); strings.HasPrefix(v, "/etc/greffe/secrets/") && !strings.Contains(page, "--from-file="+filepath.Base(v)) {
			t.Errorf("README.md does not put %s into the secret", filepath.Base(v))
		}
	}
}

// TestPodIsRestricted: what the namespace demands, and an own root that nobody writes.
func TestPodIsRestricted(t *testing.T) {
	t.Parallel()
	p := pod(t)
	for _, c := range append(list(p, "containers"), list(p, "initContainers")...) {
		s := at(c, "securityContext")
		if at(s, "readOnlyRootFilesystem") != true || at(s, "allowPrivilegeEscalation") != false || at(s, "runAsNonRoot") != true || text(s, "capabilities", "drop", 0) != "ALL" {
			t.Errorf("%s: %v", text(c, "name"), s)
		}
	}
	if text(p, "securityContext", "runAsUser") != "65532" || !strings.Contains(read(t, "Containerfile"), "USER 65532:65532") {
		t.Error("the image and the pod are of different users")
	}
	if text(manifest(t, "namespace.yaml", "Namespace"), "metadata", "labels", "pod-security.kubernetes.io/enforce") != "restricted" {
		t.Error("the namespace demands nothing")
	}
}

// TestPorts: who asks, asks where Greffe listens, and for a path that it has; what
// the settings say is reached may be reached.
func TestPorts(t *testing.T) {
	t.Parallel()
	greffe := at(pod(t), "containers", 0)
	if got := text(greffe, "ports", 0, "containerPort"); got != "8443" || !strings.Contains(read(t, "kubernetes/statefulset.yaml"), `{name: GREFFE_LISTEN, value: "0.0.0.0:8443"}`) {
		t.Errorf("the container's port is %s", got)
	}
	routes := read(t, "../api/http/routes.go")
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		if path := text(greffe, probe, "httpGet", "path"); !strings.Contains(routes, `"`+path+`"`) || text(greffe, probe, "httpGet", "port") != "https" {
			t.Errorf("%s asks %s", probe, path)
		}
	}
	labels := at(manifest(t, "statefulset.yaml", "StatefulSet"), "spec", "template", "metadata", "labels")
	for _, doc := range documents(t, "kubernetes/service.yaml") {
		if text(doc, "kind") != "Service" {
			continue
		}
		if text(doc, "spec", "selector", "app.kubernetes.io/name") != text(labels, "app.kubernetes.io/name") || text(doc, "spec", "ports", 0, "targetPort") != "https" {
			t.Errorf("service %s leads nowhere", text(doc, "metadata", "name"))
		}
	}
	policy := manifest(t, "network.yaml", "NetworkPolicy")
	if text(policy, "spec", "ingress", 0, "ports", 0, "port") != "8443" {
		t.Error("nobody may ask Greffe")
	}
	var open []string
	for _, p := range list(policy, "spec", "egress", 1, "ports") {
		open = append(open, text(p, "port"))
	}
	config := at(manifest(t, "config.yaml", "ConfigMap"), "data").(tree)
	var asked []string
	for _, v := range config {
		for _, m := range regexp.MustCompile(`\.stores\.svc:([0-9]+)`).FindAllStringSubmatch(v.(string), -1) {
			asked = append(asked, m[1])
		}
	}
	slices.Sort(open)
	slices.Sort(asked)
	if !slices.Equal(open, asked) {
		t.Errorf("the network lets through %v, the settings ask for %v", open, asked)
	}
}

// TestPodKafka: Greffe reads the settings of Kafka.
func TestPodKafka(t *testing.T) {
	t.Parallel()
	cfg, err := kafka.Parse([]byte(text(manifest(t, "config.yaml", "ConfigMap"), "data", "kafka.yaml")), "/etc/greffe/kafka")
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, "kubernetes/README.md")
	if file := filepath.Base(cfg.SASL.PasswordFile); !strings.Contains(page, "--from-file="+file) {
		t.Errorf("README.md does not put %s into the secret", file)
	}
}
