// Package siem tells a SIEM what happens here, as events of OCSF 1.3
// (https://schema.ocsf.io), one JSON object a line: reads, refusals and changes of the
// access rules as API Activity (6003), sign-ins as Authentication (3002), alerts about
// unusual reads as Detection Finding (2004).
//
// They hold ids of accounts, codes, counts and times; no person's data, no label, no
// ticket. metadata.uid is the ledger's event, metadata.sequence its position: what is
// sent again after a crash is told by them. Nothing is lost while a SIEM is away: what
// waits is the log itself.
package siem

import (
	"time"

	"github.com/go-json-experiment/json"

	"greffe/domain"
	"greffe/domain/event"
)

// Version is OCSF's.
const Version = "1.3.0"

// The classes.
const (
	Finding        = 2004
	Authentication = 3002
	APIActivity    = 6003
)

// Event is one OCSF event.
type Event struct {
	ClassUID     int            `json:"class_uid"`
	ClassName    string         `json:"class_name"`
	CategoryUID  int            `json:"category_uid"`
	CategoryName string         `json:"category_name"`
	ActivityID   int            `json:"activity_id"`
	ActivityName string         `json:"activity_name"`
	TypeUID      int            `json:"type_uid"`
	Time         int64          `json:"time"` // milliseconds
	SeverityID   int            `json:"severity_id"`
	Severity     string         `json:"severity"`
	StatusID     int            `json:"status_id,omitzero"`
	Status       string         `json:"status,omitempty"`
	StatusCode   string         `json:"status_code,omitempty"`
	Count        int64          `json:"count,omitzero"`
	Metadata     Metadata       `json:"metadata"`
	Actor        *Actor         `json:"actor,omitempty"`
	User         *User          `json:"user,omitempty"`
	API          *API           `json:"api,omitempty"`
	SrcEndpoint  *Endpoint      `json:"src_endpoint,omitempty"`
	IsMFA        *bool          `json:"is_mfa,omitempty"`
	AuthProtocol string         `json:"auth_protocol,omitempty"`
	FindingInfo  *FindingInfo   `json:"finding_info,omitempty"`
	Evidences    []Evidence     `json:"evidences,omitempty"`
	Unmapped     map[string]any `json:"unmapped,omitempty"`
}

// Metadata says whose event it is.
type Metadata struct {
	Version    string  `json:"version"`
	UID        string  `json:"uid"`
	Sequence   int64   `json:"sequence"`
	LoggedTime int64   `json:"logged_time"`
	EventCode  string  `json:"event_code"`
	Product    Product `json:"product"`
}

// Product is this program.
type Product struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version"`
}

// User is an account, by its id.
type User struct {
	UID string `json:"uid"`
}

// Actor is who did it.
type Actor struct {
	User User `json:"user"`
}

// API is what was called.
type API struct {
	Operation string  `json:"operation"`
	Service   Service `json:"service"`
}

// Service is this one.
type Service struct {
	Name string `json:"name"`
}

// Endpoint is where it was called; addresses of callers are not kept here.
type Endpoint struct {
	SvcName string `json:"svc_name"`
}

// FindingInfo is what was found.
type FindingInfo struct {
	UID         string   `json:"uid"`
	Title       string   `json:"title"`
	Types       []string `json:"types"`
	CreatedTime int64    `json:"created_time"`
}

// Evidence is of whom.
type Evidence struct {
	Actor Actor `json:"actor"`
}

// Severities of OCSF.
const (
	informational = 1
	low           = 2
	medium        = 3
	high          = 4
)

// Of is the event of a fact, made by an account as the sealed part names it (zero:
// gone, or none); false for facts that are none of a SIEM's business.
func Of(f *event.Fact, at domain.Position, account domain.ID, version string) (*Event, bool) {
	if account.IsZero() {
		account = f.Actor
	}
	if id := f.Codes.ID("account"); !id.IsZero() {
		account = id
	}
	e := &Event{Time: millis(f.Time.Time), SeverityID: informational, StatusID: 1,
		Metadata: Metadata{Version: Version, UID: f.ID.String(), Sequence: int64(at), LoggedTime: millis(f.Recorded.Time), EventCode: string(f.Type),
			Product: Product{"Greffe", "Greffe", version}}}
	switch f.Type {
	case event.AccessRecorded, event.AccessDenied, event.ExportProduced, event.PolicyPublished, event.AccountCreated, event.AccountChanged, event.AccountDisabled,
		event.AccountTokenMade, event.AccountTokenEnded, event.KeyRotated, event.ApprovalRequested, event.ApprovalDecided, event.ApprovalUsed:
		e.activity(f, account)
	case event.AccountSessionStarted, event.AccountSessionEnded, event.AccountLocked:
		e.authentication(f, account)
	case event.WatchAlerted, event.WatchClosed:
		e.finding(f, account)
	default:
		return nil, false
	}
	e.TypeUID = e.ClassUID*100 + e.ActivityID
	e.Severity = map[int]string{informational: "Informational", low: "Low", medium: "Medium", high: "High"}[e.SeverityID]
	if e.Status == "" {
		e.Status = map[int]string{1: "Success", 2: "Failure"}[e.StatusID]
	}
	return e, true
}

func (e *Event) class(uid int, name string, category int, of string) {
	e.ClassUID, e.ClassName, e.CategoryUID, e.CategoryName = uid, name, category, of
}

// activity is one call of the API, or what somebody did through it.
func (e *Event) activity(f *event.Fact, account domain.ID) {
	e.class(APIActivity, "API Activity", 6, "Application Activity")
	e.Actor, e.SrcEndpoint = &Actor{User{account.String()}}, &Endpoint{"greffe"}
	e.API = &API{Operation: string(f.Type), Service: Service{"greffe"}}
	switch f.Type {
	case event.AccessRecorded:
		e.ActivityID, e.ActivityName = 2, "Read"
		e.API.Operation = f.Codes.String("action")
		e.Unmapped = map[string]any{"persons": f.Codes.Int("count"), "reason": f.Codes.String("reason"), "ticketed": f.Codes.Bool(event.Ticketed),
			"defaulted": f.Codes.Bool("defaulted"), "categories": f.Codes.Strings("categories"), "upstream": !f.Source.IsZero()}
		if groups := f.Codes.Strings(event.Revealed); len(groups) > 0 {
			e.Unmapped["revealed"] = groups
		}
	case event.AccessDenied:
		e.ActivityID, e.ActivityName, e.StatusID, e.SeverityID = 99, "Denied", 2, low
		e.API.Operation, e.StatusCode, e.Count = f.Codes.String("route"), f.Codes.String("code"), f.Codes.Int("count")
	case event.AccountCreated, event.AccountTokenMade, event.ApprovalRequested:
		e.ActivityID, e.ActivityName, e.SeverityID = 1, "Create", low
	case event.AccountDisabled, event.AccountTokenEnded:
		e.ActivityID, e.ActivityName, e.SeverityID = 4, "Delete", low
	case event.ExportProduced:
		e.ActivityID, e.ActivityName, e.SeverityID = 2, "Read", medium
	default:
		e.ActivityID, e.ActivityName, e.SeverityID = 3, "Update", medium
	}
}

// authentication is a session's beginning or end, or an account that is locked.
func (e *Event) authentication(f *event.Fact, account domain.ID) {
	e.class(Authentication, "Authentication", 3, "Identity & Access Management")
	e.User, e.SrcEndpoint = &User{account.String()}, &Endpoint{"greffe"}
	switch f.Type {
	case event.AccountSessionStarted:
		mfa := len(f.Codes.Strings("factors")) > 1
		e.ActivityID, e.ActivityName, e.IsMFA, e.AuthProtocol = 1, "Logon", &mfa, f.Codes.String("method")
	case event.AccountSessionEnded:
		e.ActivityID, e.ActivityName, e.StatusCode = 2, "Logoff", f.Codes.String("why")
	default:
		e.ActivityID, e.ActivityName, e.StatusID, e.SeverityID, e.StatusCode = 99, "Locked", 2, medium, "locked"
	}
}

// finding is an alert, or what somebody found it to be.
func (e *Event) finding(f *event.Fact, account domain.ID) {
	e.class(Finding, "Detection Finding", 2, "Findings")
	if f.Type == event.WatchClosed {
		e.ActivityID, e.ActivityName, e.StatusID, e.Status, e.StatusCode = 3, "Close", 4, "Resolved", f.Codes.String("outcome")
		e.FindingInfo = &FindingInfo{UID: f.Codes.ID("alert").String(), Title: "closed", Types: []string{}, CreatedTime: e.Time}
		return
	}
	e.ActivityID, e.ActivityName, e.StatusID, e.Status = 1, "Create", 1, "New"
	e.SeverityID = min(medium+int(f.Codes.Int("level")), high)
	e.FindingInfo = &FindingInfo{UID: f.ID.String(), Title: "Unusual reading of personal data", Types: []string{f.Codes.String("rule")}, CreatedTime: e.Time}
	e.Evidences = []Evidence{{Actor{User{account.String()}}}}
	e.Unmapped = map[string]any{"observed": f.Codes.Int("observed"), "limit": f.Codes.Int("limit"), "since": f.Codes.String("since")}
}

func millis(t time.Time) int64 { return t.UnixMilli() }

// Line is an event as NDJSON.
func (e *Event) Line() ([]byte, error) {
	b, err := json.Marshal(e, json.Deterministic(true))
	return append(b, '\n'), err
}
