package signin

import (
	"fmt"
	"strings"

	"github.com/boombuler/barcode/qr"
)

// qrQuiet is the margin that ISO/IEC 18004 asks for, in modules.
const qrQuiet = 4

// QRCode is a QR code as the page draws it: an SVG path in a square of so many
// modules, margin included. Dark modules are inside the path.
type QRCode struct {
	Size int    `json:"size" doc:"Modules a side, with the margin."`
	Path string `json:"path" doc:"The d of an SVG path."`
}

// QR draws a text. A text too long for a QR code is an error, which does not quote
// it.
func QR(text string) (QRCode, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return QRCode{}, fmt.Errorf("draw a QR code: the text does not fit")
	}
	side := code.Bounds().Dx()
	var b strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			run := 0
			for x+run < side && dark(code.At(x+run, y).RGBA()) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+qrQuiet, y+qrQuiet, run, run)
				x += run
			}
		}
	}
	return QRCode{side + 2*qrQuiet, b.String()}, nil
}

func dark(r, _, _, _ uint32) bool { return r < 0x8000 }
