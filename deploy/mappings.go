package deploy

import (
	"embed"
	"io/fs"
)

//go:embed mappings/*.jq
var mappings embed.FS

// Mappings are the shipped mappings of other systems' shapes, as files NAME.jq.
// See mappings/README.md.
func Mappings() fs.FS {
	sub, err := fs.Sub(mappings, "mappings")
	if err != nil { // only for a name that is no path
		panic("deploy: " + err.Error())
	}
	return sub
}
