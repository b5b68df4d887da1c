package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ErrServer: the server's settings or the role's rights do not let the vault keep its
// promises. The error says what to change.
var ErrServer = errors.New("the PostgreSQL server is not set as the vault needs it")

// minVersion brought the role pg_checkpoint.
const minVersion = 150000

// settings are what Open looks at.
type settings struct {
	version                                   int
	walRecycle, fsync, pageWrites, archive    string
	walKeep, logStatement                     string
	logDuration, logSample, logBytes, onError int
	switches, lists, checkpoints              bool
}

const settingsQuery = `SELECT current_setting('server_version_num')::int,
	current_setting('wal_recycle'), current_setting('fsync'), current_setting('full_page_writes'), current_setting('archive_mode'),
	current_setting('wal_keep_size'), current_setting('log_statement'),
	(SELECT setting::int FROM pg_settings WHERE name = 'log_min_duration_statement'),
	(SELECT setting::int FROM pg_settings WHERE name = 'log_min_duration_sample'),
	(SELECT setting::int FROM pg_settings WHERE name = 'log_parameter_max_length'),
	(SELECT setting::int FROM pg_settings WHERE name = 'log_parameter_max_length_on_error'),
	has_function_privilege('pg_switch_wal()', 'EXECUTE'), has_function_privilege('pg_ls_waldir()', 'EXECUTE'),
	pg_has_role('pg_checkpoint', 'USAGE')`

func checkServer(ctx context.Context, conn *pgx.Conn) (warnings []string, err error) {
	var s settings
	if err := conn.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&s.version); err != nil {
		return nil, err
	}
	if s.version < minVersion {
		return nil, own{fmt.Errorf("%w: it is older than version 15", ErrServer)}
	}
	err = conn.QueryRow(ctx, settingsQuery).Scan(&s.version, &s.walRecycle, &s.fsync, &s.pageWrites, &s.archive, &s.walKeep, &s.logStatement,
		&s.logDuration, &s.logSample, &s.logBytes, &s.onError, &s.switches, &s.lists, &s.checkpoints)
	if err != nil {
		return nil, err
	}
	if wrong := s.wrong(); len(wrong) > 0 {
		return nil, own{fmt.Errorf("%w: %s", ErrServer, strings.Join(wrong, "; "))}
	}
	return s.weak(), nil
}

// wrong is what breaks a promise of the port.
func (s *settings) wrong() (all []string) {
	add := func(bad bool, what string) {
		if bad {
			all = append(all, what)
		}
	}
	add(s.fsync != "on", "fsync is off, so that a crash loses what was acknowledged: set fsync = on")
	add(s.walRecycle != "off", "wal_recycle is on, so that destroyed bytes stay in recycled log files: ALTER SYSTEM SET wal_recycle = off")
	add(s.walKeep != "0", "wal_keep_size keeps log files that hold destroyed bytes: set it to 0; standbys use slots")
	add(s.logBytes != 0 && (s.logStatement == "mod" || s.logStatement == "all" || s.logDuration >= 0 || s.logSample >= 0),
		"statements are logged with their parameters: set log_parameter_max_length = 0")
	add(s.onError != 0, "parameters of failed statements are logged: set log_parameter_max_length_on_error = 0")
	add(!s.checkpoints || !s.lists, "the role cannot see that destroyed bytes left the log: GRANT pg_checkpoint, pg_monitor TO it")
	add(!s.switches, "the role cannot end a log file: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO it, in this database")
	return all
}

// weak is what does not.
func (s *settings) weak() (all []string) {
	if s.pageWrites != "on" {
		all = append(all, "full_page_writes is off: a power cut may damage pages unless the file system never tears one")
	}
	if s.archive != "off" {
		all = append(all, "archive_mode is on: archived log files are copies of what is destroyed later; keep them no longer than backups, and replay the fence after a restore")
	}
	return all
}
