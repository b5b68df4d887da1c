package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// stale is after how long the newest backup wants attention.
const stale = 48 * time.Hour

func newestBackup(v *visit, b value) tile {
	w := v.words
	t := tile{Title: w.t("backup_newest"), Value: w.t("never"), Kind: "stop", Note: w.t("no_backup")}
	newest := ""
	for _, it := range b.at("items").list {
		newest = max(newest, it.text("made"))
	}
	if made, err := time.Parse(time.RFC3339Nano, newest); err == nil {
		t.Value, t.Note, t.Kind = w.apart(made, v.c.cfg.Now()), w.time(made), "good"
		if v.c.cfg.Now().Sub(made) > stale {
			t.Kind = "warn"
		}
	}
	if b.is("failed") {
		t.Kind, t.Note = "stop", w.t("backup_failed")
	}
	return t
}

// backupsPage lists backups, the newest first, with what to know of restoring one.
type backupsPage struct {
	Intro, Done    string
	Problem        string
	Running        bool
	Make           *oneClick
	Confirm        string // where a restore is confirmed
	Tiles          []tile
	Rows           []backupRow
	CurrentKEKOnly string
}

type backupRow struct {
	Made           cell
	Position, Size string
	Key            string
	Dead           bool // its key was destroyed
}

func (c *Console) backups(ctx context.Context, v *visit) error {
	if err := v.needs(backupsOp); err != nil {
		return err
	}
	p := &backupsPage{Intro: v.words.t("desk_backups_intro"), Done: v.done()}
	d, _ := find("backups")
	for _, l := range v.links(d, d.makes, "new") {
		if strings.HasSuffix(l.Href, "/confirm") {
			p.Confirm = l.Href
		}
	}
	b, err := v.get(ctx, c.spec[backupsOp].path)
	var no *refused
	switch {
	case errors.As(err, &no) && no.Code == "backup_unconfigured":
		p.Problem = no.Title + ". " + no.Detail
		v.show(http.StatusOK, "backups", v.words.t("desk_backups"), p)
		return nil
	case err != nil:
		return err
	}
	p.Running, p.Tiles = b.is("running"), []tile{newestBackup(v, b), {Title: v.words.t("backup_count"), Value: v.words.number(itoa(len(b.at("items").list)))}}
	retired := v.retiredKeys(ctx)
	for _, it := range b.at("items").list {
		p.Rows = append(p.Rows, backupRow{Made: v.words.cell("made", it.at("made")), Position: v.words.number(it.text("position")), Size: v.words.bytes(it.text("bytes")), Key: it.text("kek"), Dead: retired[it.text("kek")]})
	}
	slices.SortFunc(p.Rows, func(a, b backupRow) int { return cmp.Compare(b.Made.Code, a.Made.Code) })
	if !p.Running && v.allowed(backupOp) {
		if p.Make, err = v.button(Root+"/backups/new/make", v.words.t("act_backups_make")); err != nil {
			return err
		}
		p.Make.Class = "auto"
	}
	v.show(http.StatusOK, "backups", v.words.t("desk_backups"), p)
	return nil
}

// retiredKeys are those that were destroyed, for who may see the keys.
func (v *visit) retiredKeys(ctx context.Context) map[string]bool {
	out := map[string]bool{}
	if !v.allowed(keysOp) {
		return out
	}
	all, err := v.get(ctx, v.c.spec[keysOp].path)
	if err != nil {
		return out
	}
	for _, k := range all.at("keys").list {
		out[k.text("name")] = k.text("state") == "retired"
	}
	return out
}

// bytes writes a size in its largest unit.
func (w *words) bytes(s string) string {
	n, units := float(s), []string{"byte", "kilobyte", "megabyte", "gigabyte", "terabyte"}
	i := 0
	for ; n >= 1000 && i < len(units)-1; i++ {
		n /= 1000
	}
	return w.number(itoa(int(n+.5))) + " " + w.t("unit_"+units[i])
}

// keysPage says which key wraps the others, what a rotation would do, and how one stands.
type keysPage struct {
	Intro, Done string
	Progress    *progress
	Last        []pair
	LastFailed  string
	LastWhen    cell
	Rotate      *oneClick
	Rows        []keyRow
}

type keyRow struct {
	Name    string
	State   badge
	Retired cell
}

func (c *Console) keys(ctx context.Context, v *visit) error {
	if err := v.needs(keysOp); err != nil {
		return err
	}
	all, err := v.get(ctx, c.spec[keysOp].path)
	if err != nil {
		return err
	}
	rotation, err := v.get(ctx, c.spec[rotationOp].path)
	if err != nil {
		return err
	}
	p := &keysPage{Intro: v.words.t("desk_keys_intro"), Done: v.done()}
	for _, k := range all.at("keys").list {
		p.Rows = append(p.Rows, keyRow{k.text("name"), badge{map[string]string{"current": "good", "retired": ""}[k.text("state")], v.words.t("key_state_" + k.text("state"))}, v.words.cell("retired_at", k.at("retired_at"))})
	}
	if now := v.rotationNow(rotation); !now.Ended {
		now.Stream, now.Here = Root+"/live/keys", Root+"/keys"
		p.Progress = &now
	} else if v.allowed(rotateOp) {
		if p.Rotate, err = v.button(Root+"/keys/new/rotate", v.words.t("act_keys_rotate")); err != nil {
			return err
		}
		p.Rotate.Class = "contrast"
	}
	if last := rotation.at("last"); !last.empty() {
		p.LastWhen, p.Last = v.words.cell("since", last.at("ended")), v.chosen(last, "verdict", "from", "to", "backup", "position")
		if last.text("verdict") == "failed" {
			p.LastFailed = v.words.t("rotation_failed")
		}
	}
	v.show(http.StatusOK, "keys", v.words.t("desk_keys"), p)
	return nil
}

func (v *visit) rotationNow(r value) progress {
	if !r.is("running") {
		return progress{Done: 1, Total: 1, Ended: true, Text: v.words.t("rotation_ended")}
	}
	return progress{Done: int64(float(r.text("done"))), Total: int64(float(r.text("total"))), Text: v.words.say("rotation_running", "step", v.words.code("step", r.text("step")))}
}

func followRotation(ctx context.Context, v *visit) (progress, error) {
	r, err := v.get(ctx, v.c.spec[rotationOp].path)
	if err != nil {
		return progress{}, err
	}
	return v.rotationNow(r), nil
}
