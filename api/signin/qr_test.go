package signin_test

import (
	"image"
	"image/color"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"greffe/api/signin"
)

// drawn paints the SVG path as a browser does, a module so many pixels wide.
func drawn(t *testing.T, c signin.QRCode) image.Image {
	t.Helper()
	const wide = 4
	img := image.NewGray(image.Rect(0, 0, c.Size*wide, c.Size*wide))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	runs, read := regexp.MustCompile(`M(\d+) (\d+)h(\d+)v1h-(\d+)z`).FindAllStringSubmatch(c.Path, -1), 0
	for _, run := range runs {
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(run[i+1])
		}
		if read += len(run[0]); n[2] != n[3] {
			t.Fatalf("%s is not closed", run[0])
		}
		for x := n[0] * wide; x < (n[0]+n[2])*wide; x++ {
			for y := n[1] * wide; y < (n[1]+1)*wide; y++ {
				img.SetGray(x, y, color.Gray{})
			}
		}
	}
	if read != len(c.Path) {
		t.Fatalf("%d of %d bytes of the path were understood", read, len(c.Path))
	}
	return img
}

// TestQRCodeIsRead: another's reader reads out of the drawn code what was put in, the
// shortest and longest that a login and an issuer make of it.
func TestQRCodeIsRead(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"otpauth://totp/Greffe:anne?secret=JBSWY3DPEHPK3PXP&issuer=Greffe",
		"otpauth://totp/Greffe:" + strings.Repeat("abcdefghij", 20) + "?algorithm=SHA1&digits=6&issuer=Greffe&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
	} {
		c, err := signin.QR(text)
		if err != nil {
			t.Fatal(err)
		}
		bits, err := gozxing.NewBinaryBitmapFromImage(drawn(t, c))
		if err != nil {
			t.Fatal(err)
		}
		got, err := qrcode.NewQRCodeReader().Decode(bits, nil)
		if err != nil || got.GetText() != text {
			t.Errorf("%d characters: %v, %v", len(text), got, err)
		}
	}
}
