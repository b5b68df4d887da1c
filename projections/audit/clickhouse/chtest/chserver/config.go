//go:build linux

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// config is what one engine's directory is made from.
type config struct {
	Dir, Users   string
	extraFile    string
	Native, HTTP int
	Memory       int64
}

const configXML = `<clickhouse>
  <logger><console>0</console><level>warning</level><log>%[1]s/log/clickhouse.log</log><size>50M</size><count>2</count></logger>
  <users_config>%[2]s</users_config>
  <listen_host>127.0.0.1</listen_host>
  <tcp_port>%[3]d</tcp_port>
  <http_port>%[4]d</http_port>
  <timezone>UTC</timezone>
  <default_database>local_overlay</default_database>
  <max_server_memory_usage>%[5]d</max_server_memory_usage>
  <mark_cache_size>268435456</mark_cache_size>
  <background_schedule_pool_size>16</background_schedule_pool_size>
  %[6]s
</clickhouse>
`

// usersXML undoes implicit_select, which is clickhouse-local's own.
const usersXML = `<clickhouse>
  <profiles><default><implicit_select>0</implicit_select></default></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password></password><networks><ip>::/0</ip></networks>
    <profile>default</profile><quota>default</quota>
  </default></users>
</clickhouse>
`

func (c *config) path(name string) string { return filepath.Join(c.Dir, name) }

// write makes the directory ready. The databases system and default are written
// down before the first start, as Atomic ones: with a bare path clickhouse-local
// keeps system in memory and makes default an overlay whose tables have no UUID
// and are never dropped.
func (c *config) write() error {
	for _, d := range []string{"data/metadata", "log", "etc"} {
		if err := os.MkdirAll(c.path(d), 0o755); err != nil {
			return err
		}
	}
	for _, db := range []string{"system", "default"} {
		name := c.path("data/metadata/" + db + ".sql")
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			err = os.WriteFile(name, []byte("ATTACH DATABASE "+db+" UUID '"+randomUUID()+"' ENGINE = Atomic\n"), 0o644)
			if err != nil {
				return err
			}
		}
	}
	if c.Users == "" {
		c.Users = c.path("etc/users.xml")
		if err := os.WriteFile(c.Users, []byte(usersXML), 0o644); err != nil {
			return err
		}
	}
	extra := []byte{}
	if c.extraFile != "" {
		var err error
		if extra, err = os.ReadFile(c.extraFile); err != nil {
			return err
		}
	}
	return os.WriteFile(c.path("etc/config.xml"), fmt.Appendf(nil, configXML,
		quoteXML(c.Dir), quoteXML(c.Users), c.Native, c.HTTP, c.Memory, extra), 0o644)
}

func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
