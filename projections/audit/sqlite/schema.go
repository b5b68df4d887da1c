package sqlite

import "greffe/projections/internal/sqlfile"

// blockBits: facts stand in blocks of 1,024 positions, of which the earliest and
// latest times are kept. A span of time is looked up there, and needs no index
// with a row for every fact.
const blockBits = 10

var schema = sqlfile.Schema{
	Name:    "audit",
	Version: 1,
	DDL: sqlfile.InternDDL("code", "TEXT") + sqlfile.InternDDL("agent", "BLOB") +
		`CREATE TABLE fact(position INTEGER PRIMARY KEY, id BLOB NOT NULL, type INTEGER NOT NULL, subject BLOB, source INTEGER, actor INTEGER,
			controller INTEGER, purposes INTEGER, time INTEGER NOT NULL, recorded INTEGER NOT NULL, policy INTEGER NOT NULL,
			warnings INTEGER NOT NULL, unproven INTEGER NOT NULL);
		CREATE INDEX fact_type ON fact(type);
		CREATE INDEX fact_subject ON fact(subject) WHERE subject IS NOT NULL;
		CREATE INDEX fact_source ON fact(source) WHERE source IS NOT NULL;
		CREATE INDEX fact_actor ON fact(actor) WHERE actor IS NOT NULL;
		CREATE TABLE purpose(purpose INTEGER, position INTEGER, PRIMARY KEY(purpose,position)) WITHOUT ROWID;
		CREATE TABLE block(n INTEGER PRIMARY KEY, time_min INTEGER NOT NULL, time_max INTEGER NOT NULL,
			recorded_min INTEGER NOT NULL, recorded_max INTEGER NOT NULL);
		CREATE TABLE access(position INTEGER PRIMARY KEY, id BLOB NOT NULL, source INTEGER, account INTEGER, subjects BLOB NOT NULL,
			action INTEGER, reason INTEGER, categories INTEGER, count INTEGER NOT NULL, time INTEGER NOT NULL, recorded INTEGER NOT NULL);
		CREATE INDEX access_account ON access(account);
		CREATE INDEX access_reason ON access(reason);
		CREATE INDEX access_source ON access(source) WHERE source IS NOT NULL;
		CREATE INDEX access_time ON access(time);
		CREATE TABLE access_subject(subject BLOB, position INTEGER, PRIMARY KEY(subject,position)) WITHOUT ROWID;
		CREATE TABLE tally(month INTEGER, dim TEXT, key TEXT, n INTEGER NOT NULL, PRIMARY KEY(month,dim,key)) WITHOUT ROWID;
		CREATE TABLE horizon(one INTEGER PRIMARY KEY CHECK(one=1), time INTEGER NOT NULL);`,
	Tables: []string{"code", "agent", "fact", "purpose", "block", "access", "access_subject", "tally", "horizon"},
}

const (
	putFact = "INSERT INTO fact(position,id,type,subject,source,actor,controller,purposes,time,recorded,policy,warnings,unproven) " +
		"VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"
	putPurpose = "INSERT INTO purpose(purpose,position) VALUES(?,?)"
	putBlock   = "INSERT INTO block(n,time_min,time_max,recorded_min,recorded_max) VALUES(?,?,?,?,?) ON CONFLICT DO UPDATE SET " +
		"time_min=min(time_min,excluded.time_min),time_max=max(time_max,excluded.time_max)," +
		"recorded_min=min(recorded_min,excluded.recorded_min),recorded_max=max(recorded_max,excluded.recorded_max)"
	putAccess = "INSERT INTO access(position,id,source,account,subjects,action,reason,categories,count,time,recorded) " +
		"VALUES(?,?,?,?,?,?,?,?,?,?,?)"
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
)
