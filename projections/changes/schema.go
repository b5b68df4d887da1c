package changes

import "greffe/projections/internal/sqlfile"

// Options open the file; the zero value is what a service uses.
type Options = sqlfile.Options

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

// Times are microseconds since 1970. next is the position after the last one
// acknowledged. closed is the position of the fact that said that a staged
// message is destroyed.
var schema = sqlfile.Schema{
	Name:    "changes",
	Version: Format,
	DDL: sqlfile.InternDDL("uuid", "BLOB") + `
		CREATE TABLE change(position INTEGER PRIMARY KEY, news INTEGER NOT NULL, event BLOB NOT NULL, recorded INTEGER NOT NULL,
			solo INTEGER NOT NULL, subject INTEGER, source INTEGER);
		CREATE TABLE own(subject INTEGER, source INTEGER, position INTEGER, PRIMARY KEY(subject,source,position)) WITHOUT ROWID;
		CREATE TABLE erasure(ord BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
		CREATE TABLE delivery(position INTEGER PRIMARY KEY, event BLOB NOT NULL UNIQUE, ord BLOB NOT NULL UNIQUE, subject INTEGER NOT NULL,
			recorded INTEGER NOT NULL, closed INTEGER);
		CREATE INDEX delivery_subject ON delivery(subject);
		CREATE INDEX delivery_open ON delivery(position) WHERE closed IS NULL;
		CREATE TABLE taken(ord BLOB, recipient TEXT, source BLOB, at INTEGER NOT NULL, PRIMARY KEY(ord,recipient,source)) WITHOUT ROWID;
		CREATE TABLE recipient(code TEXT PRIMARY KEY, next INTEGER NOT NULL, next_at INTEGER NOT NULL, sent INTEGER NOT NULL,
			sent_at INTEGER NOT NULL, dead INTEGER NOT NULL, failing INTEGER) WITHOUT ROWID;
		CREATE TABLE dead(position INTEGER PRIMARY KEY, code TEXT NOT NULL, since INTEGER NOT NULL, up_to INTEGER NOT NULL, at INTEGER NOT NULL);
		CREATE INDEX dead_code ON dead(code);`,
}

const (
	putChange   = "INSERT INTO change(position,news,event,recorded,solo,subject,source) VALUES(?,?,?,?,?,?,?)"
	putOwn      = "INSERT OR IGNORE INTO own(subject,source,position) VALUES(?,?,?)"
	putErasure  = "INSERT OR IGNORE INTO erasure(ord,position) VALUES(?,?)"
	putDelivery = "INSERT OR IGNORE INTO delivery(position,event,ord,subject,recorded) VALUES(?,?,?,?,?)"
	endDelivery = "UPDATE delivery SET closed=? WHERE event=? AND closed IS NULL"
	putTaken    = "INSERT OR IGNORE INTO taken(ord,recipient,source,at) VALUES(?,?,?,?)"
	dropTaken   = "DELETE FROM taken WHERE ord=? AND recipient='source' AND source=?"
	putCode     = "INSERT OR IGNORE INTO recipient(code,next,next_at,sent,sent_at,dead) VALUES(?,0,0,0,0,0)"
	putAck      = "UPDATE recipient SET next=?2,next_at=?3,failing=NULL WHERE code=?1 AND next<?2"
	putSent     = "UPDATE recipient SET sent=max(sent,?2),sent_at=?3,failing=NULL WHERE code=?1"
	putFailing  = "UPDATE recipient SET failing=coalesce(failing,?2) WHERE code=?1"
	putDead     = "INSERT INTO dead(position,code,since,up_to,at) SELECT ?1,?2,max(next,sent,dead),?3,?4 FROM recipient WHERE code=?2"
	passDead    = "UPDATE recipient SET dead=max(dead,?2) WHERE code=?1"
)
