//go:build real

package clickhouse

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"greffe/projections"
	"greffe/projections/audit/clickhouse/chtest"
)

// engineUser is whom the engine of the tests runs as.
const engineUser = "<users><default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default>"

// accounts are the users of deploy/clickhouse/users.xml, with their name as
// password.
func accounts(t *testing.T) chtest.Options {
	t.Helper()
	b, err := os.ReadFile(deployed + "users.xml")
	if err != nil {
		t.Fatal(err)
	}
	o := chtest.Options{Users: strings.Replace(string(b), "<users>", engineUser, 1)}
	for _, name := range []string{"greffe", "officer", "inspector"} {
		o.Env = append(o.Env, fmt.Sprintf("%s_SHA256=%x", strings.ToUpper(name), sha256.Sum256([]byte(name))))
	}
	return o
}

func as(t *testing.T, s *chtest.Server, user, password, protocol string) driver.Conn {
	t.Helper()
	o := &ch.Options{Addr: []string{s.Addr}, Auth: ch.Auth{Username: user, Password: password, Database: "default"}}
	if protocol == "http" {
		o.Protocol, o.Addr = ch.HTTP, []string{s.HTTP}
	}
	c, err := ch.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// TestAccess enforces deploy/clickhouse/users.xml on both protocols: the service
// projects with its rights alone, an inspection sees its scope and its period, and
// neither it nor the officer changes anything.
func TestAccess(t *testing.T) {
	t.Parallel()
	log, w, _ := filled(t, 41, 3000)
	s := chtest.Start(t, accounts(t))
	password := t.TempDir() + "/password"
	if err := os.WriteFile(password, []byte("greffe\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"clickhouse://greffe@" + s.Addr + "/greffe", "http://greffe@" + s.HTTP + "/greffe"} {
		cfg := config(url, w)
		cfg.PasswordFile = password
		d := mustOpen(t, cfg)
		if err := projections.CatchUp(t.Context(), log, d, 3000, 1000); err != nil {
			t.Fatal(err)
		}
		whole(t, d)
	}
	for _, protocol := range []string{"native", "http"} {
		t.Run(protocol, func(t *testing.T) {
			officer, inspector := as(t, s, "officer", "officer", protocol), as(t, s, "inspector", "inspector", protocol)
			checkScope(t, officer, inspector)
			for _, c := range []driver.Conn{officer, inspector} {
				checkRefused(t, c)
			}
			if err := as(t, s, "inspector", "wrong", protocol).Ping(t.Context()); exception(err) != 516 {
				t.Errorf("a wrong password: %v", err)
			}
			if err := inspector.Exec(t.Context(), "SELECT count() FROM greffe.contacts"); exception(err) != 497 {
				t.Errorf("the inspector asks a table that is not granted: %v", err)
			}
		})
	}
	t.Run("quota", func(t *testing.T) {
		c := as(t, s, "officer", "officer", "http")
		var err error
		for range 600 {
			if err = c.Exec(t.Context(), "SELECT count() FROM greffe.horizon"); err != nil {
				break
			}
		}
		if exception(err) != 201 {
			t.Errorf("600 queries in an hour: %v", err)
		}
	})
}

// exception is the server's code, 0 if there is none.
func exception(err error) int32 {
	var e *ch.Exception
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

func number(t *testing.T, c driver.Conn, query string) (n uint64) {
	t.Helper()
	if err := c.QueryRow(context.Background(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func checkScope(t *testing.T, officer, inspector driver.Conn) {
	t.Helper()
	const year = "time >= '2026-01-01 00:00:00' AND time < '2027-01-01 00:00:00'"
	const months = "month BETWEEN 202601 AND 202612"
	for table, scope := range map[string]string{
		"greffe.all_events": "controller = 'acme' AND " + year, "greffe.events": "controller = 'acme' AND " + year,
		"greffe.consents": "controller = 'acme' AND " + year, "greffe.requests": "controller = 'acme' AND " + year,
		"greffe.all_accesses": year, "greffe.accesses": year, "greffe.cells": "controller = 'acme' AND " + months, "greffe.reads": months,
	} {
		all, want := number(t, officer, "SELECT count() FROM "+table), number(t, officer, "SELECT count() FROM "+table+" WHERE "+scope)
		if got := number(t, inspector, "SELECT count() FROM "+table); got != want || got == 0 || got == all {
			t.Errorf("the inspector sees %d rows of %s, want %d of %d", got, table, want, all)
		}
	}
	if n := number(t, inspector, "SELECT count() FROM greffe.consents_per_purpose WHERE controller != 'acme' OR NOT ("+months+")"); n > 0 {
		t.Errorf("%d counts of consents are out of the scope", n)
	}
	if n := number(t, inspector, "SELECT sum(reads) FROM greffe.reads_per_account"); n != number(t, officer, "SELECT count() FROM greffe.all_accesses WHERE "+year) {
		t.Errorf("the inspector counts %d reads", n)
	}
}

func checkRefused(t *testing.T, c driver.Conn) {
	t.Helper()
	for query, codes := range map[string][]int32{
		"INSERT INTO greffe.horizon SELECT now64(6)":                            {164, 497},
		"ALTER TABLE greffe.events DELETE WHERE 1":                              {164, 497},
		"ALTER TABLE greffe.accesses DROP PARTITION 202601":                     {164, 497},
		"TRUNCATE TABLE greffe.events":                                          {164, 497},
		"DROP TABLE greffe.events":                                              {164, 497},
		"CREATE TABLE greffe.mine (a UInt8) ENGINE = Memory":                    {164, 497},
		"SELECT * FROM file('/etc/passwd', 'LineAsString')":                     {164, 497},
		"SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')":              {164, 497},
		"SET readonly = 0":                                                      {164, 452},
		"SELECT 1 SETTINGS max_memory_usage = 0":                                {452},
		"SELECT 1 SETTINGS max_execution_time = 600":                            {452},
		"SELECT count() FROM greffe.all_events SETTINGS max_execution_time = 0": {452},
	} {
		code, ok := exception(c.Exec(context.Background(), query)), false
		for _, want := range codes {
			ok = ok || code == want
		}
		if !ok {
			t.Errorf("%s: code %d, want one of %v", query, code, codes)
		}
	}
}

// TestAccessSQL has the engine read the syntax of access.sql. It makes no users by
// SQL, so that no more of it can be run here.
func TestAccessSQL(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(deployed + "access.sql")
	if err != nil {
		t.Fatal(err)
	}
	c := as(t, chtest.Shared(t), "default", "", "native")
	all := statements(string(b))
	if len(all) < 40 {
		t.Fatalf("only %d statements", len(all))
	}
	for _, s := range all {
		s = strings.NewReplacer("{greffe:String}", "'00'", "{officer:String}", "'00'", "{inspector:String}", "'00'").Replace(strings.TrimSuffix(s, ";"))
		var out string
		if err := c.QueryRow(t.Context(), "SELECT formatQuery(?)", s).Scan(&out); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}
