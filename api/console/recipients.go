package console

import (
	"context"
	"net/http"
	"slices"
)

const recipientsOp = "GET /v1/changes/recipients"

// recipientsPage says how those who were given data keep up with what they are told.
type recipientsPage struct {
	Intro string
	Tiles []tile
	Rows  []recipientRow
}

type recipientRow struct {
	Name, Kind, Receives, Way string
	State                     badge
	Lag                       string
	Oldest, Acknowledged      cell
	Overdue, Dead             string
	Do                        []string
}

func (c *Console) recipients(ctx context.Context, v *visit) error {
	if err := v.needs(recipientsOp); err != nil {
		return err
	}
	answer, err := v.get(ctx, c.spec[recipientsOp].path)
	if err != nil {
		return err
	}
	p := &recipientsPage{Intro: v.words.t("desk_recipients_intro")}
	late, failing, good := 0, 0, 0
	for _, it := range answer.at("items").list {
		row := v.recipientRow(it)
		switch {
		case row.Overdue != "":
			late++
		case !it.at("failing_since").empty() || row.Dead != "":
			failing++
		default:
			good++
		}
		p.Rows = append(p.Rows, row)
	}
	slices.SortStableFunc(p.Rows, func(a, b recipientRow) int { return weight(a.State.Kind) - weight(b.State.Kind) })
	w := v.words
	p.Tiles = []tile{{Title: w.t("recipients_late"), Value: itoa(late), Kind: map[bool]string{true: "good", false: "stop"}[late == 0]},
		{Title: w.t("recipients_failing"), Value: itoa(failing), Kind: map[bool]string{true: "good", false: "warn"}[failing == 0]}, {Title: w.t("recipients_good"), Value: itoa(good)}}
	v.show(http.StatusOK, "recipients", w.t("desk_recipients"), p)
	return nil
}

func weight(kind string) int { return slices.Index([]string{"stop", "warn", "good", ""}, kind) }

func (v *visit) recipientRow(it value) recipientRow {
	w := v.words
	row := recipientRow{Name: w.code("recipient_code", it.text("code")), Kind: w.code("kind", it.text("kind")), Receives: w.cell("receives", it.at("receives")).flat(), Lag: w.number(it.text("lag")),
		Oldest: w.cell("oldest", it.at("oldest")), Acknowledged: w.cell("acknowledged_at", it.at("acknowledged_at")), State: badge{"good", w.t("recipient_good")}, Way: w.t("recipient_reads")}
	if it.is("lag_more") {
		row.Lag = w.t("at_least") + " " + row.Lag
	}
	switch {
	case it.is("webhook"):
		row.Way = w.t("recipient_webhook")
	case !it.is("acknowledges"):
		row.Way = w.t("recipient_silent")
	}
	if it.text("lag") != "0" || it.is("lag_more") {
		row.State = badge{"", w.t("recipient_behind")}
	}
	if len(it.at("dead_letters").list) > 0 {
		row.Dead, row.State = w.number(itoa(len(it.at("dead_letters").list))), badge{"warn", w.t("recipient_dead")}
		row.Do = append(row.Do, w.t("recipient_do_dead"))
	}
	if !it.at("failing_since").empty() {
		row.State = badge{"warn", w.t("recipient_failing")}
		row.Do = append(row.Do, w.t("recipient_do_failing")+" "+w.cell("failing_since", it.at("failing_since")).Apart+".")
	}
	if n := it.text("overdue_erasures"); n != "0" && n != "" {
		row.Overdue, row.State = w.number(n), badge{"stop", w.t("recipient_overdue")}
		row.Do = append(row.Do, w.t("recipient_do_overdue"))
	}
	if row.State.Text == w.t("recipient_behind") && it.at("acknowledged_at").empty() && !it.is("webhook") {
		row.Do = append(row.Do, w.t(map[bool]string{true: "recipient_do_never", false: "recipient_do_silent"}[it.is("acknowledges")]))
	}
	return row
}
