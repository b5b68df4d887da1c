package main

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/boombuler/barcode/qr"

	"greffe/cmd/greffe/internal/app"
	"greffe/eventstore/vault/kek/escrow"
)

// sheetWords are what a sheet says.
type sheetWords struct{ title, facts, how, line, secret string }

func sheetIn(lang string) sheetWords {
	if lang == "fr" {
		return sheetWords{
			title: "Greffe : part n° %d sur %d de la clé %s",
			facts: "Jeu %s, imprimé le %s. Il faut %d parts de ce jeu pour ouvrir la clé ; moins n'en disent rien.",
			how: "Au démarrage scellé : greffe unseal --server URL, puis tapez les lignes ci-dessous, mot de contrôle compris. " +
				"Pour refaire le fichier de clé : greffe keys restore-escrow. Le code QR contient la même part.",
			line:   "Le dernier mot de chaque ligne la contrôle.",
			secret: "Secret. À garder sous clé, séparément des autres parts et des sauvegardes. À détruire quand la clé est renouvelée.",
		}
	}
	return sheetWords{
		title: "Greffe: share %d of %d of key %s",
		facts: "Set %s, printed on %s. %d shares of this set open the key; fewer say nothing of it.",
		how: "For a sealed start: greffe unseal --server URL, then type the lines below, check words included. " +
			"To make the key file again: greffe keys restore-escrow. The QR code holds the same share.",
		line:   "The last word of each line checks it.",
		secret: "Secret. Keep it locked away, apart from the other shares and from backups. Destroy it once the key was rotated.",
	}
}

// escrowSheet is a page A4 for one share.
func escrowSheet(e app.Escrow, s *escrow.Share, lang string) ([]byte, error) {
	w := sheetIn(lang)
	p := fpdf.New("P", "mm", "A4", "")
	tr := p.UnicodeTranslatorFromDescriptor("")
	p.SetTitle("Greffe", true)
	p.SetLang(lang)
	p.SetMargins(20, 20, 20)
	p.AddPage()
	say := func(style string, size, height float64, text string) {
		p.SetFont("Helvetica", style, size)
		p.MultiCell(170, height, tr(text), "", "L", false)
		p.Ln(3)
	}
	say("B", 16, 8, fmt.Sprintf(w.title, s.Number, e.Shares, s.Key))
	say("", 11, 5.5, fmt.Sprintf(w.facts, e.Set, e.Made.Format(time.DateOnly), e.Threshold))
	say("", 11, 5.5, w.how)
	p.Ln(4)
	for i, line := range s.Lines() {
		p.SetFont("Courier", "B", 15)
		p.CellFormat(170, 11, fmt.Sprintf("%d   %s", i+1, line), "B", 1, "L", false, 0, "")
	}
	p.Ln(3)
	say("", 9, 4.5, w.line)
	if err := drawQR(p, s.Compact(), 65, p.GetY()+4, 80); err != nil {
		return nil, err
	}
	p.SetY(260)
	say("B", 11, 5.5, w.secret)
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		return nil, fmt.Errorf("sheet of a share: %w", err)
	}
	return out.Bytes(), nil
}

// drawQR draws a text in a square of side mm.
func drawQR(p *fpdf.Fpdf, text string, left, top, side float64) error {
	code, err := qr.Encode(text, qr.M, qr.AlphaNumeric)
	if err != nil {
		return errors.New("sheet of a share: its QR code cannot be drawn")
	}
	n := code.Bounds().Dx()
	step := side / float64(n)
	p.SetFillColor(0, 0, 0)
	for y := range n {
		for x := range n {
			if color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128 {
				p.Rect(left+float64(x)*step, top+float64(y)*step, step+0.02, step+0.02, "F")
			}
		}
	}
	return nil
}
