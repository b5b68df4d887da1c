package workbook

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/xuri/excelize/v2"

	"greffe/domain/bundle"
)

// ErrSheet: a sheet that was not announced, is written already, or was announced and
// is not written.
var ErrSheet = errors.New("the sheets of the workbook are not those that were announced")

// Summary is the title of the first sheet.
const Summary = "Sommaire"

// Book is a workbook on its way, for one goroutine.
type Book struct {
	f      *excelize.File
	styles styles
	free   []string // sheets that are announced and not opened
	sheets []*Sheet
}

type styles struct{ text, number, time, head, title, note int }

// New makes a workbook with sheets of these titles, at most 31 signs each, after the
// first; made is when its bundle was.
func New(made time.Time, titles []string) (*Book, error) {
	b := &Book{f: excelize.NewFile(), free: slices.Clone(titles)}
	stamp := made.UTC().Format(time.RFC3339)
	err := errors.Join(
		b.f.SetSheetName(b.f.GetSheetName(0), Summary),
		b.f.SetDocProps(&excelize.DocProperties{Creator: "Greffe", LastModifiedBy: "Greffe", Created: stamp, Modified: stamp, Language: "fr-FR"}),
		b.style())
	for _, t := range titles {
		_, e := b.f.NewSheet(t)
		err = errors.Join(err, e)
	}
	if err != nil {
		return nil, fmt.Errorf("begin the workbook: %w", err)
	}
	return b, nil
}

func (b *Book) style() error {
	date := timeFormat
	const face = "Calibri"
	plain, apart := &excelize.Alignment{Vertical: "top"}, &excelize.Alignment{Vertical: "top", Horizontal: "left", Indent: 1}
	var errs []error
	add := func(to *int, s *excelize.Style) {
		var err error
		*to, err = b.f.NewStyle(s)
		errs = append(errs, err)
	}
	add(&b.styles.text, &excelize.Style{NumFmt: 49, Alignment: apart}) // @: stays text when it is edited
	add(&b.styles.number, &excelize.Style{NumFmt: 1, Alignment: plain})
	add(&b.styles.time, &excelize.Style{CustomNumFmt: &date, Alignment: plain})
	add(&b.styles.head, &excelize.Style{NumFmt: 49, Font: &excelize.Font{Family: face, Size: 11, Bold: true, Color: "FFFFFF"},
		Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"16376E"}}, Alignment: &excelize.Alignment{Vertical: "center", Horizontal: "left", Indent: 1}})
	add(&b.styles.title, &excelize.Style{NumFmt: 49, Font: &excelize.Font{Family: face, Size: 14, Bold: true, Color: "16376E"}})
	add(&b.styles.note, &excelize.Style{NumFmt: 49, Font: &excelize.Font{Family: face, Size: 11, Italic: true, Color: "A02020"}})
	return errors.Join(errs...)
}

// page sets a sheet to be printed on wide pages, all columns on one; it comes before
// the first row.
func (b *Book) page(title string) error {
	fit, wide, a4, one, any := true, "landscape", 9, 1, 0
	return errors.Join(b.f.SetSheetProps(title, &excelize.SheetPropsOptions{FitToPage: &fit}),
		b.f.SetPageLayout(title, &excelize.PageLayoutOptions{Orientation: &wide, Size: &a4, FitToWidth: &one, FitToHeight: &any}))
}

// Sheet opens a sheet that New announced. Its rows are those of table, "" if it is of
// none; several sheets may be open at once.
func (b *Book) Sheet(title, table string, columns []bundle.Column) (*Sheet, error) {
	i := slices.Index(b.free, title)
	if i < 0 {
		return nil, ErrSheet
	}
	b.free = slices.Delete(b.free, i, i+1)
	s := &Sheet{book: b, title: title, table: table, columns: columns, cells: make([]any, len(columns))}
	if err := s.begin(); err != nil {
		return nil, fmt.Errorf("sheet %s: %w", title, err)
	}
	b.sheets = append(b.sheets, s)
	return s, nil
}

// Pair is a line of the first sheet: what, and its value.
type Pair struct{ Name, Value string }

// Write writes the first sheet, with what the others hold, and then the file. Every
// sheet that was announced must have been opened. Nothing can be written after it.
func (b *Book) Write(w io.Writer, title string, about []Pair) error {
	err := b.summary(title, about)
	for _, s := range b.sheets {
		if !s.done {
			err = errors.Join(err, s.Close())
		}
	}
	if len(b.free) > 0 {
		err = errors.Join(err, ErrSheet)
	}
	if err != nil {
		return fmt.Errorf("workbook: %w", errors.Join(err, b.f.Close()))
	}
	b.f.SetZipWriter(func(w io.Writer) excelize.ZipWriter { return &container{out: w} })
	if err := errors.Join(b.f.Write(w), b.f.Close()); err != nil {
		return fmt.Errorf("write the workbook: %w", err)
	}
	return nil
}

// Discard gives up a workbook that is not to be written.
func (b *Book) Discard() error { return b.f.Close() }

func (b *Book) summary(title string, about []Pair) error {
	if err := b.page(Summary); err != nil {
		return err
	}
	out, err := b.f.NewStreamWriter(Summary)
	if err != nil {
		return err
	}
	n := 0
	row := func(cells ...any) {
		n++
		at, e := excelize.CoordinatesToCellName(1, n)
		err = errors.Join(err, e, out.SetRow(at, cells))
	}
	text := func(style int, s string) excelize.Cell {
		return excelize.Cell{StyleID: style, Value: shown(s)}
	}
	err = errors.Join(out.SetColWidth(1, 1, 34), out.SetColWidth(2, 2, 60), out.SetColWidth(3, 4, 16))
	row(text(b.styles.title, title))
	row()
	for _, p := range about {
		row(text(b.styles.text, p.Name), text(b.styles.text, p.Value))
	}
	row()
	row(text(b.styles.head, "Feuille"), text(b.styles.head, "Table du dossier"), text(b.styles.head, "Lignes"), text(b.styles.head, "Montrées ici"))
	cut := false
	for _, s := range b.ordered() {
		table := "(chiffres tirés des faits de la période)"
		if s.table != "" {
			table = bundle.TablesDir + s.table + ".csv, .ndjson, .parquet"
		}
		row(text(b.styles.text, s.title), text(b.styles.text, table), excelize.Cell{StyleID: b.styles.number, Value: s.rows}, excelize.Cell{StyleID: b.styles.number, Value: s.shown})
		cut = cut || s.rows > s.shown
	}
	if cut {
		row()
		row(text(b.styles.note, "Des feuilles sont abrégées ; les tables du dossier sont entières."))
	}
	return errors.Join(err, out.Flush())
}

// ordered are the sheets as their tabs stand.
func (b *Book) ordered() []*Sheet {
	tabs := b.f.GetSheetList()
	out := slices.Clone(b.sheets)
	slices.SortFunc(out, func(x, y *Sheet) int { return slices.Index(tabs, x.title) - slices.Index(tabs, y.title) })
	return out
}
