package index

import "greffe/projections/internal/sqlfile"

const (
	blockBits = 8   // ids stand in blocks of 256, by position
	every     = 256 // positions between two marks
)

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 5

var schema = sqlfile.Schema{
	Name:    "index",
	Version: Format,
	DDL: sqlfile.InternDDL("subject", "BLOB") +
		sqlfile.RunsDDL("place") + `CREATE TABLE id(n INTEGER PRIMARY KEY, ids BLOB NOT NULL);
		CREATE TABLE mark(n INTEGER PRIMARY KEY, recorded INTEGER NOT NULL);
		CREATE INDEX mark_recorded ON mark(recorded);
		CREATE TABLE quarantine(item BLOB, position INTEGER, PRIMARY KEY(item,position)) WITHOUT ROWID;
		CREATE TABLE registered(source BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE edge(a INTEGER, b INTEGER, position INTEGER, time INTEGER NOT NULL, merged INTEGER NOT NULL,
			PRIMARY KEY(a,b,position)) WITHOUT ROWID;
		CREATE INDEX edge_back ON edge(b,a);
		CREATE TABLE destruction(subject INTEGER, position INTEGER, PRIMARY KEY(subject,position)) WITHOUT ROWID;
		CREATE TABLE erased(subject INTEGER PRIMARY KEY, event BLOB NOT NULL, at INTEGER NOT NULL);
		CREATE TABLE unfinished(position INTEGER PRIMARY KEY, event BLOB NOT NULL UNIQUE, operation BLOB NOT NULL, subject INTEGER NOT NULL);
		CREATE TABLE contested(subject INTEGER, source BLOB, position INTEGER NOT NULL, PRIMARY KEY(subject,source)) WITHOUT ROWID;`,
}

const (
	putIDs        = "REPLACE INTO id(n,ids) VALUES(?,?)"
	getIDs        = "SELECT ids FROM id WHERE n=?"
	putMark       = "INSERT INTO mark(n,recorded) VALUES(?,?)"
	putQuarantine = "INSERT OR IGNORE INTO quarantine(item,position) VALUES(?,?)"
	putEdge       = "INSERT INTO edge(a,b,position,time,merged) VALUES(?,?,?,?,?)"
	putRegistered = "INSERT OR IGNORE INTO registered(source,position) VALUES(?,?)"
	putDestroyed  = "INSERT INTO destruction(subject,position) VALUES(?,?)"
	putErased     = "INSERT OR IGNORE INTO erased(subject,event,at) VALUES(?,?,?)"
	putUnfinished = "INSERT INTO unfinished(position,event,operation,subject) VALUES(?,?,?,?)"
	dropFinished  = "DELETE FROM unfinished WHERE event=?"
	putContested  = "INSERT OR IGNORE INTO contested(subject,source,position) VALUES(?,?,?)"
	dropContested = "DELETE FROM contested WHERE subject=? AND source=?"
)
