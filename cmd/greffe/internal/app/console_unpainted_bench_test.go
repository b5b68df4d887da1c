//go:build !browser

package app

// paint needs a browser: the tag browser has one.
func (*benchHouse) paint([]*pace) {}
