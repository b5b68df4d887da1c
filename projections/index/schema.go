package index

import "greffe/projections/internal/sqlfile"

const (
	blockBits = 8    // ids stand in blocks of 256, by position
	every     = 256  // positions between two marks
	maxGaps   = 1000 // open gaps kept for each producer
)

var schema = sqlfile.Schema{
	Name:    "index",
	Version: 2,
	DDL: sqlfile.InternDDL("subject", "BLOB") +
		sqlfile.RunsDDL("place") + `CREATE TABLE id(n INTEGER PRIMARY KEY, ids BLOB NOT NULL);
		CREATE TABLE mark(n INTEGER PRIMARY KEY, recorded INTEGER NOT NULL);
		CREATE INDEX mark_recorded ON mark(recorded);
		CREATE TABLE quarantine(item BLOB, position INTEGER, PRIMARY KEY(item,position)) WITHOUT ROWID;
		CREATE TABLE producer(source BLOB PRIMARY KEY, facts INTEGER NOT NULL, first INTEGER, last INTEGER,
			late INTEGER NOT NULL, position INTEGER NOT NULL, gaps INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE gap(source BLOB, lo INTEGER, hi INTEGER NOT NULL, PRIMARY KEY(source,lo)) WITHOUT ROWID;
		CREATE TABLE edge(a INTEGER, b INTEGER, position INTEGER, time INTEGER NOT NULL, merged INTEGER NOT NULL,
			PRIMARY KEY(a,b,position)) WITHOUT ROWID;
		CREATE INDEX edge_back ON edge(b,a);`,
}

const (
	putIDs        = "REPLACE INTO id(n,ids) VALUES(?,?)"
	getIDs        = "SELECT ids FROM id WHERE n=?"
	putMark       = "INSERT INTO mark(n,recorded) VALUES(?,?)"
	putQuarantine = "INSERT OR IGNORE INTO quarantine(item,position) VALUES(?,?)"
	putEdge       = "INSERT INTO edge(a,b,position,time,merged) VALUES(?,?,?,?,?)"
	getProducer   = "SELECT facts,first,last,late,position,gaps FROM producer WHERE source=?"
	putProducer   = "REPLACE INTO producer(source,facts,first,last,late,position,gaps) VALUES(?,?,?,?,?,?,?)"
	getGap        = "SELECT lo,hi FROM gap WHERE source=? AND lo<=? ORDER BY lo DESC LIMIT 1"
	putGap        = "REPLACE INTO gap(source,lo,hi) VALUES(?,?,?)"
	dropGap       = "DELETE FROM gap WHERE source=? AND lo=?"
	oldestGap     = "SELECT lo FROM gap WHERE source=? ORDER BY lo LIMIT 1"
)
