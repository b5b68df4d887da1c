package httpapi

import (
	"greffe/domain"
	"greffe/eventstore/access"
)

// Archives asks for what left the active base too (archivage intermédiaire).
type Archives struct {
	Archived bool `query:"archived" doc:"Open what is archived too; needs subjects.archived, and the access says so. Without it an archived value reads {\"archived\":true,\"since\":…}."`
}

// with lets a reading open archives, if that was asked for and the caller may.
func (q *Archives) with(c *Call, r access.Reading, err error) (access.Reading, error) {
	if err != nil || !q.Archived {
		return r, err
	}
	if err := c.principal.May(c.rules, "subjects.archived"); err != nil {
		return access.Reading{}, err
	}
	r.Archived = true
	return r, nil
}

// HistoryPage asks for a page of what was recorded about a person.
type HistoryPage struct {
	ID domain.ID `path:"id" doc:"The person, by the ledger's id."`
	Archives
	Order
	Paging
}
