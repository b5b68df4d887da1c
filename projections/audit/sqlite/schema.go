package sqlite

import "greffe/projections/internal/sqlfile"

// blockBits: events stand in blocks of 256 positions, each one value, since a row
// for every event in a table with its indexes costs five times as much. The
// earliest and latest times of a block are kept; posting says which blocks hold
// a subject, an actor, a source, a type or a purpose.
const blockBits = 8

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 7

var schema = sqlfile.Schema{
	Name:    "audit",
	Version: Format,
	DDL: sqlfile.InternDDL("code", "TEXT") + sqlfile.InternDDL("agent", "BLOB") +
		sqlfile.RunsDDL("posting") + `CREATE TABLE fact(n INTEGER PRIMARY KEY, data BLOB NOT NULL);
		CREATE TABLE block(n INTEGER PRIMARY KEY, time_min INTEGER NOT NULL, time_max INTEGER NOT NULL,
			recorded_min INTEGER NOT NULL, recorded_max INTEGER NOT NULL);
		CREATE TABLE access(position INTEGER PRIMARY KEY, id BLOB NOT NULL, source INTEGER, account INTEGER, subjects BLOB NOT NULL,
			action INTEGER, reason INTEGER, categories INTEGER, ticketed INTEGER NOT NULL, count INTEGER NOT NULL, time INTEGER NOT NULL, recorded INTEGER NOT NULL);
		CREATE INDEX access_account ON access(account);
		CREATE INDEX access_reason ON access(reason);
		CREATE INDEX access_action ON access(action);
		CREATE INDEX access_source ON access(source) WHERE source IS NOT NULL;
		CREATE INDEX access_time ON access(time);
		CREATE INDEX access_flow ON access(account,time,position,count,reason);
		CREATE INDEX access_caseless ON access(position) WHERE ticketed=0;
		CREATE INDEX access_many ON access(position,count) WHERE count>=2;
		CREATE TABLE sheaf(id INTEGER PRIMARY KEY, account INTEGER NOT NULL, source INTEGER NOT NULL, categories INTEGER NOT NULL, n INTEGER NOT NULL,
			unnamed INTEGER NOT NULL, time_min INTEGER NOT NULL, time_max INTEGER NOT NULL, rows BLOB NOT NULL, persons BLOB NOT NULL);
		CREATE INDEX sheaf_account ON sheaf(account,time_min,time_max);
		CREATE INDEX sheaf_time ON sheaf(time_min,time_max);
		CREATE TABLE access_subject(subject BLOB, position INTEGER, PRIMARY KEY(subject,position)) WITHOUT ROWID;
		CREATE TABLE tally(month INTEGER, dim TEXT, key TEXT, n INTEGER NOT NULL, PRIMARY KEY(month,dim,key)) WITHOUT ROWID;
		CREATE TABLE horizon(one INTEGER PRIMARY KEY CHECK(one=1), time INTEGER NOT NULL);`,
}

const (
	putFact  = "REPLACE INTO fact(n,data) VALUES(?,?)"
	getFact  = "SELECT data FROM fact WHERE n=?"
	putBlock = "INSERT INTO block(n,time_min,time_max,recorded_min,recorded_max) VALUES(?,?,?,?,?) ON CONFLICT DO UPDATE SET " +
		"time_min=min(time_min,excluded.time_min),time_max=max(time_max,excluded.time_max)," +
		"recorded_min=min(recorded_min,excluded.recorded_min),recorded_max=max(recorded_max,excluded.recorded_max)"
	putAccess = "INSERT INTO access(position,id,source,account,subjects,action,reason,categories,ticketed,count,time,recorded) " +
		"VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"
	putAccessSubject = "INSERT OR IGNORE INTO access_subject(subject,position) VALUES(?,?)"
	putTally         = "INSERT INTO tally(month,dim,key,n) VALUES(?1,?2,?3,?4) ON CONFLICT DO UPDATE SET n=n+?4"
	getHorizon       = "SELECT time FROM horizon"
	putHorizon       = "INSERT INTO horizon(one,time) VALUES(1,?1) ON CONFLICT DO UPDATE SET time=max(time,?1)"
	expired          = "SELECT position,subjects FROM access WHERE time<? ORDER BY time LIMIT 1000"
)

// The dimensions of the tally.
const (
	dimType     = "type"
	dimSource   = "source"
	dimPurpose  = "purpose"
	dimUnproven = "unproven"
	dimWarning  = "warning"
	dimReason   = "access_reason"
	dimAccount  = "access_account"
	dimConsent  = "consent" // its key is the purpose, a blank, and the type
)
