// Package bundle is the inspection bundle: what a ledger hands to an inspector
// (contrôle sur pièces), and the verifier that needs nothing else but the
// ledger's public key.
//
// A bundle is a directory, or the same files in one canonical zip:
//
//	key.pem, checkpoint, README.txt, LISEZMOI.txt   written by NewWriter
//	tables/NAME.ndjson, .parquet, .csv              one table, the same rows in each form
//	tile/…                                          C2SP tlog-tiles of the whole tree
//	heads.ndjson                                    proof.Record lines: every head and anchor
//	proofs/*.tlog-proof                             proof.Given
//	notices/HEX.txt                                 texts, named by their SHA-256
//	receipts/*.note                                 statements signed by the ledger
//	anything else                                   PDF, XLSX, policies: bound by their hash
//	manifest.json, manifest.json.sig                what there is, signed; always last
//
// The manifest is canonical JSON (RFC 8785): the header, then each file's path,
// media type, bytes, SHA-256 and rows, in the order in which they were written,
// then the tables. The signature is raw Ed25519 over its bytes (64 bytes).
//
// Promised: a bundle that verifies is byte for byte what the holder of the key
// signed; its facts are leaves of the signed tree, dense in [From, To); each form
// of a table says the same. Not promised: that a fact is true. Assumed: the
// inspector has the public key from somewhere else. There is no I/O here: files
// come through Sink and Source. A crash leaves what the Sink leaves; without the
// manifest's signature it is no bundle.
package bundle

// Version is the format that this program writes, and the only one it reads.
const Version = 1

// The paths that the format itself gives.
const (
	manifestPath   = "manifest.json"
	signaturePath  = "manifest.json.sig"
	keyPath        = "key.pem"
	checkpointPath = "checkpoint"
	readmePath     = "README.txt"
	lisezmoiPath   = "LISEZMOI.txt"

	// HeadsPath holds one proof.Record a line, as the heads stream holds them.
	HeadsPath = "heads.ndjson"
	// TablesDir, ProofsDir, NoticesDir and ReceiptsDir are where Verify looks.
	TablesDir   = "tables/"
	ProofsDir   = "proofs/"
	NoticesDir  = "notices/"
	ReceiptsDir = "receipts/"
	tilesDir    = "tile/"
)

// Media types of what the format itself gives.
const (
	MediaNDJSON  = "application/x-ndjson"
	MediaParquet = "application/vnd.apache.parquet"
	MediaCSV     = "text/csv; charset=utf-8"
	MediaText    = "text/plain; charset=utf-8"
	MediaPEM     = "application/x-pem-file"
	MediaBytes   = "application/octet-stream"
)

// Tables that Verify reads the meaning of; all others are only compared.
const (
	// EventsTable has at least position (Int) and fact (Text), every position of
	// [From, To) in order. Columns named id, type, subject, source, actor, time,
	// recorded, controller, policy and sequence are compared with the fact.
	EventsTable = "events"
	// OppositionTable has at least kind (email or phone), form (sha256 or md5) and
	// token (Text, 64 hex digits: OppositionKey.Token).
	OppositionTable = "opposition"
	// NoticesTable has at least sha256 (Text, 64 hex digits): each row's text is
	// the file notices/SHA256.txt.
	NoticesTable = "notices"
)
