package notices

import "greffe/projections/internal/sqlfile"

// Format is the version of the file; an older one is emptied and folded anew.
const Format = 1

// granted holds one row for each channel of a grant that is unproven or comes to
// an end; act the act that stands for each of a person's consents, apart for
// each notice that it would be proven by (x” for none). '*' is every code.
var schema = sqlfile.Schema{
	Name:    "notices",
	Version: Format,
	DDL: `CREATE TABLE notice(id BLOB PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
		CREATE INDEX notice_position ON notice(position);
		CREATE TABLE granted(position INTEGER, channel TEXT, event BLOB NOT NULL, subject BLOB NOT NULL, controller TEXT NOT NULL,
			purpose TEXT NOT NULL, time INTEGER NOT NULL, due INTEGER, unproven INTEGER NOT NULL, lacks TEXT NOT NULL,
			source BLOB NOT NULL, notice BLOB, PRIMARY KEY(position,channel)) WITHOUT ROWID;
		CREATE INDEX grant_subject ON granted(subject);
		CREATE INDEX grant_due ON granted(due,position,channel) WHERE due IS NOT NULL;
		CREATE INDEX grant_unproven ON granted(position) WHERE unproven=1;
		CREATE TABLE act(subject BLOB, controller TEXT, purpose TEXT, channel TEXT, notice BLOB, time INTEGER NOT NULL,
			no INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(subject,controller,purpose,channel,notice)) WITHOUT ROWID;
		CREATE TABLE erased(subject BLOB PRIMARY KEY, event BLOB NOT NULL, position INTEGER NOT NULL) WITHOUT ROWID;`,
}

const (
	putNotice = "INSERT OR IGNORE INTO notice(id,position) VALUES(?,?)"
	putGrant  = "INSERT INTO granted(position,channel,event,subject,controller,purpose,time,due,unproven,lacks,source,notice) VALUES(?,?,?,?,?,?,?,?,?,?,?,?)"
	putAct    = "INSERT INTO act(subject,controller,purpose,channel,notice,time,no,position) VALUES(?,?,?,?,?,?,?,?) " +
		"ON CONFLICT DO UPDATE SET time=excluded.time,no=excluded.no,position=excluded.position " +
		"WHERE (excluded.time,excluded.no,excluded.position)>(time,no,position)"
	// covered: of an act that stands already; its parameters are subject,
	// controller, purpose, channel, then time, time, position.
	covered = "SELECT 1 FROM act WHERE subject=? AND notice=x'' AND controller IN (?,'*') AND purpose IN (?,'*') AND channel IN (?,'*') " +
		"AND (time>? OR time=? AND (no=1 OR position>?)) LIMIT 1"
	// cover: rows of grants that an act stands in the place of.
	cover = "DELETE FROM granted WHERE subject=?1 AND (?2='*' OR controller=?2) AND (?3='*' OR purpose=?3) AND (?4='*' OR channel=?4) " +
		"AND (time<?5 OR time=?5 AND (?6=1 OR position<?7))"
	dropEnded   = "DELETE FROM granted WHERE subject=? AND event=? AND due<=?"
	dropGrants  = "DELETE FROM granted WHERE subject=?"
	dropActs    = "DELETE FROM act WHERE subject=?"
	putErased   = "INSERT OR IGNORE INTO erased(subject,event,position) VALUES(?,?,?)"
	isPublished = "IN (SELECT id FROM notice)"

	// instead: an act that stands in the place of grant g, conditional ones with
	// a published notice included.
	instead = "EXISTS(SELECT 1 FROM act a WHERE a.subject=g.subject AND a.controller IN (g.controller,'*') AND a.purpose IN (g.purpose,'*') " +
		"AND a.channel IN (g.channel,'*') AND (a.notice=x'' OR a.notice " + isPublished + ") AND "
	openGrants = " FROM granted g WHERE g.unproven=1 AND (g.notice IS NULL OR g.notice NOT " + isPublished + ") AND NOT " +
		instead + "a.time>=g.time) "
	dueGrants = " FROM granted g WHERE g.due<=? AND (g.due,g.position)>(?,?) AND (g.notice IS NULL OR g.notice " + isPublished + ") AND NOT " +
		instead + "(a.time,a.no,a.position)>(g.time,0,g.position)) "
)
