#!/usr/bin/env bash
# Puts the real servers that the tests of `make check-real` start on loopback
# into a cache directory, ${GREFFE_REAL:-$HOME/.cache/greffe-real}:
#
#   fetch.sh clickhouse   libchdb.so: the ClickHouse 26.7 engine, 566 MB, by npm
#   fetch.sh kafka        kafka/lib/*.jar and kafka/cp.txt: Apache Kafka, 60 MB, by Maven
#   fetch.sh postgres     the newest PostgreSQL of this Debian, by apt-get
#   fetch.sh oidc         oidc-provider, a certified OpenID Provider, 4 MB, by npm
#   fetch.sh chromium     the newest Chromium of this Debian, by apt-get
#   fetch.sh axe          axe.min.js: axe-core, which finds what bars people from a page, 0.7 MB, by npm
#   fetch.sh others       LibreOffice Calc, poppler, OpenSSL, Python's venv, by apt-get
#   fetch.sh all          these five
#   fetch.sh kafka-sums   for who changes kafka/pom.xml: writes kafka/jars.sha256 anew
#
# Versions are pinned and every file is held against its SHA-256 at each call; what
# is there and right is left alone. Calls may run at the same time. A call that is
# cut short leaves nothing that a later one takes for whole; of the npm packages of
# oidc the digests are those of oidc/package-lock.json, looked at when they come. PostgreSQL and the others
# are not pinned: they are Debian's, signed by Debian. A missing java, mvn or npm is installed
# by apt-get where that may be, and named where it may not.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${GREFFE_REAL:-$HOME/.cache/greffe-real}

chdb_package=@chdb/lib-linux-x64-gnu@26.7.3-stable.1
chdb_sum=36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5
axe_package=axe-core@4.14.1
axe_sum=29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c
dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
postgres_oldest=15

say() { echo "real: $*" >&2; }
die() { say "$*"; exit 1; }

# install PACKAGE… by apt-get, or say that it is to be done.
install() {
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
		die "missing; as root: apt-get install $*"
	fi
	say "apt-get install $*"
	apt-get update -qq >&2
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
		-o Dpkg::Options::=--force-confold "$@" >&2 || die "apt-get install $* failed"
}

# need COMMAND PACKAGE…
need() {
	command -v "$1" >/dev/null && return
	say "$1 is not here"
	(exec 8>"$cache/apt.lock" && flock 8 && { command -v "$1" >/dev/null || install "${@:2}"; })
	command -v "$1" >/dev/null || die "$1 is still not here"
}

# scratch: a directory in the cache that goes with this process.
scratch() {
	work=$(mktemp -d "$cache/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
}

clickhouse() {
	[ "$(uname -sm)" = "Linux x86_64" ] || die "the engine is for Linux x86_64 with glibc, this is $(uname -sm)"
	local so=$cache/libchdb.so
	if [ -f "$so" ] && echo "$chdb_sum  $so" | sha256sum -c --status; then
		say "clickhouse: $so is there"
		return
	fi
	need npm npm
	say "clickhouse: fetching $chdb_package (178 MB)"
	scratch
	(cd "$work" && npm pack --silent "$chdb_package" >/dev/null) || die "npm could not fetch $chdb_package"
	tar -xzf "$work"/*.tgz -C "$work" package/libchdb.so
	echo "$chdb_sum  $work/package/libchdb.so" | sha256sum -c --status || die "$chdb_package is not what it was: its SHA-256 differs"
	mv "$work/package/libchdb.so" "$so"
	say "clickhouse: $so"
}

axe() {
	local at=$cache/axe.min.js
	if [ -f "$at" ] && echo "$axe_sum  $at" | sha256sum -c --status; then
		say "axe: $at is there"
		return
	fi
	need npm npm
	say "axe: fetching $axe_package"
	scratch
	(cd "$work" && npm pack --silent "$axe_package" >/dev/null) || die "npm could not fetch $axe_package"
	tar -xzf "$work"/*.tgz -C "$work" package/axe.min.js
	echo "$axe_sum  $work/package/axe.min.js" | sha256sum -c --status || die "$axe_package is not what it was: its SHA-256 differs"
	mv "$work/package/axe.min.js" "$at"
	say "axe: $at"
}

# jars DIR: the class path of the pom, each jar under its own name.
jars() {
	need mvn maven
	need java default-jre-headless
	mvn -B -q -C -Dstyle.color=never -f "$here/kafka/pom.xml" "$dependency_plugin:copy-dependencies" \
		-DincludeScope=runtime -DoutputDirectory="$1" >&2 || die "mvn could not fetch Kafka"
}

whole() { # DIR holds the jars that are listed, and no other
	[ -d "$1" ] && (cd "$1" && sha256sum -c --status "$here/kafka/jars.sha256" 2>/dev/null) &&
		[ "$(find "$1" -name '*.jar' | wc -l)" = "$(wc -l <"$here/kafka/jars.sha256")" ]
}

kafka() {
	local lib=$cache/kafka/lib list=$cache/kafka/cp.txt
	need java default-jre-headless
	local java
	java=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p')
	[ "${java:-0}" -ge 17 ] || die "Kafka needs Java 17 or later, this is ${java:-none}"
	if [ -f "$list" ] && whole "$lib"; then
		say "kafka: $list is there"
		return
	fi
	say "kafka: fetching the class path of $here/kafka/pom.xml (60 MB)"
	scratch
	jars "$work/lib"
	whole "$work/lib" || die "Kafka's jars are not what they were: see kafka/jars.sha256"
	mkdir -p "$cache/kafka"
	rm -rf "$lib" "$list"
	mv "$work/lib" "$lib"
	find "$lib" -name '*.jar' | sort | paste -sd: >"$work/cp.txt"
	mv "$work/cp.txt" "$list"
	say "kafka: $list"
}

kafka_sums() {
	scratch
	jars "$work/lib"
	(cd "$work/lib" && sha256sum -- *.jar) >"$here/kafka/jars.sha256"
	say "kafka/jars.sha256: $(wc -l <"$here/kafka/jars.sha256") jars. Look at the change before you commit it."
}

newest_postgres() {
	find /usr/lib/postgresql -path '*/bin/postgres' 2>/dev/null | sed 's|/bin/postgres$||; s|.*/||' | sort -n | tail -n 1
}

postgres() {
	if [ -z "$(newest_postgres)" ]; then
		say "postgres: no /usr/lib/postgresql/*/bin"
		(
			exec 8>"$cache/apt.lock"
			flock 8
			# Debian starts a cluster of its own at installation, unless told.
			if [ "$(id -u)" = 0 ] && [ ! -e /etc/postgresql-common/createcluster.conf ]; then
				mkdir -p /etc/postgresql-common
				echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
			fi
			install postgresql
		)
	fi
	local version
	version=$(newest_postgres)
	[ "${version:-0}" -ge "$postgres_oldest" ] || die "PostgreSQL ${version:-none} is here, $postgres_oldest or later is needed"
	say "postgres: /usr/lib/postgresql/$version/bin"
}

# oidc: what oidc/provider.mjs imports.
oidc() {
	local at=$cache/oidc
	need node nodejs
	need npm npm
	local node
	node=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
	[ "${node:-0}" -ge 20 ] || die "the identity provider needs Node.js 20 or later, this is ${node:-none}"
	if [ -d "$at/node_modules/oidc-provider" ] && cmp -s "$here/oidc/package-lock.json" "$at/package-lock.json"; then
		say "oidc: $at is there"
		return
	fi
	say "oidc: fetching the packages of $here/oidc/package-lock.json (4 MB)"
	scratch
	cp "$here/oidc/package.json" "$here/oidc/package-lock.json" "$work"
	(cd "$work" && npm ci --silent --ignore-scripts --no-audit --no-fund >&2) || die "npm could not fetch oidc-provider, or it is not what it was"
	rm -rf "$at"
	mkdir "$at"
	mv "$work"/* "$at"
	say "oidc: $at"
}

# others: the programs that evidence is held to.
others() {
	need soffice libreoffice-calc
	need pdftoppm poppler-utils
	need openssl openssl
	need python3 python3 python3-venv
	if ! python3 -c 'import ensurepip' 2>/dev/null; then
		(exec 8>"$cache/apt.lock" && flock 8 && install python3-venv)
		python3 -c 'import ensurepip' || die "python3 has no ensurepip"
	fi
	say "others: $(soffice --version | head -n 1), $(openssl version | cut -d' ' -f1-2), $(python3 --version)"
}

browser() {
	need chromium chromium
	say "chromium: $(chromium --version)"
}

# locked NAME COMMAND: one at a time, in a shell of its own.
locked() {
	(
		exec 9>"$cache/$1.lock"
		flock 9
		"$2"
	)
}

mkdir -p "$cache"
command -v flock >/dev/null || die "flock is missing (util-linux)"
case "${1:-}" in
clickhouse) locked clickhouse clickhouse ;;
kafka) locked kafka kafka ;;
kafka-sums) locked kafka kafka_sums ;;
postgres) locked postgres postgres ;;
oidc) locked oidc oidc ;;
chromium) locked chromium browser ;;
axe) locked axe axe ;;
others) locked others others ;;
all)
	locked postgres postgres
	locked kafka kafka
	locked clickhouse clickhouse
	locked oidc oidc
	locked others others
	;;
*) die "usage: fetch.sh clickhouse|kafka|postgres|oidc|chromium|axe|others|all" ;;
esac
