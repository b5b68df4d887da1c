package bundle

import (
	"fmt"
	"strings"

	"greffe/domain"
)

// Code says what kind of thing is wrong; names are API.
type Code string

// The codes. Beside each stands what the finding's Detail says.
const (
	CodeZip        Code = "zip"        // bytes that are not those of the canonical zip
	CodeForeign    Code = "foreign"    // an entry that the manifest does not list, or that is no file
	CodeMissing    Code = "missing"    // a file or table that must be there
	CodeOrder      Code = "order"      // files of the zip in another order
	CodeManifest   Code = "manifest"   // the manifest cannot be read, or contradicts itself
	CodeNewer      Code = "newer"      // of a later format
	CodeSignature  Code = "signature"  // not signed by the given key
	CodeKey        Code = "key"        // the bundle names another key than the given one
	CodeSize       Code = "size"       // cut or lengthened
	CodeHash       Code = "hash"       // edited
	CodeRow        Code = "row"        // a form of a table says another thing than the Parquet
	CodeParquet    Code = "parquet"    // Parquet that cannot be read, or has other columns
	CodePosition   Code = "position"   // a fact missing, doubled or out of order
	CodeFact       Code = "fact"       // not a fact, or a column that contradicts it
	CodeLeaf       Code = "leaf"       // a fact that is not the leaf of the signed tree
	CodeTile       Code = "tile"       // a tile that is not the hash of those below
	CodeRoot       Code = "root"       // the tiles do not lead to the signed root
	CodeHead       Code = "head"       // a signed head of another tree, or not signed
	CodeAnchor     Code = "anchor"     // a timestamp over something else, or not valid
	CodeProof      Code = "proof"      // a proof that does not hold
	CodeReceipt    Code = "receipt"    // a statement that the ledger did not sign
	CodeNotice     Code = "notice"     // a notice's text is another than the table says
	CodeOpposition Code = "opposition" // a token of the opposition list is not in its form
	CodeNothing    Code = "nothing"    // nothing was there to be checked
)

// Finding is one thing that is wrong, and where.
type Finding struct {
	Code     Code             `json:"code"`
	File     string           `json:"file,omitempty"`
	Row      int64            `json:"row,omitempty"` // from 1, headings not counted
	Position *domain.Position `json:"position,omitempty"`
	Byte     *int64           `json:"byte,omitempty"` // offset in the zip
	Detail   string           `json:"detail"`         // a sentence in the report's language
}

// where names the place in words.
func (f *Finding) where(fr bool) string {
	s := f.File
	if f.Row > 0 {
		s += fmt.Sprintf(" %s %d", pick(fr, "ligne", "row"), f.Row)
	}
	if f.Position != nil {
		s += fmt.Sprintf(" position %d", *f.Position)
	}
	if f.Byte != nil {
		s += fmt.Sprintf(" %s %d", pick(fr, "octet", "byte"), *f.Byte)
	}
	return strings.TrimSpace(s)
}

func pick(fr bool, french, english string) string {
	if fr {
		return french
	}
	return english
}

// sentence says in words what a code stands for.
func (c Code) sentence(fr bool) string {
	switch c {
	case CodeZip:
		return pick(fr, "L'archive n'est pas celle qui a été remise : octets modifiés, ajoutés, déplacés ou coupés à partir d'ici.",
			"The archive is not the one that was given: bytes changed, added, moved or cut from here on.")
	case CodeForeign:
		return pick(fr, "Cet élément n'est pas dans le manifeste signé.", "This entry is not in the signed manifest.")
	case CodeMissing:
		return pick(fr, "Cet élément manque.", "This is missing.")
	case CodeOrder:
		return pick(fr, "Ce fichier n'est pas à sa place dans l'archive.", "This file is not in its place in the archive.")
	case CodeManifest:
		return pick(fr, "Le manifeste est illisible ou se contredit.", "The manifest cannot be read, or contradicts itself.")
	case CodeNewer:
		return pick(fr, "Le format est plus récent que ce programme : prenez une version plus récente.",
			"The format is newer than this program: take a newer one.")
	case CodeSignature:
		return pick(fr, "Le manifeste n'est pas signé par la clé donnée : rien de ce dossier n'est garanti.",
			"The manifest is not signed by the given key: nothing in this bundle is vouched for.")
	case CodeKey:
		return pick(fr, "Le dossier nomme une autre clé que celle donnée.", "The bundle names another key than the given one.")
	case CodeSize:
		return pick(fr, "Le fichier n'a pas la longueur signée : il a été coupé ou allongé.", "The file is not as long as signed: it was cut or lengthened.")
	case CodeHash:
		return pick(fr, "Le contenu du fichier n'est pas celui qui a été signé.", "The file's content is not what was signed.")
	case CodeRow:
		return pick(fr, "À partir de cette ligne, ce fichier ne dit pas la même chose que la table Parquet.",
			"From this row on, this file does not say what the Parquet table says.")
	case CodeParquet:
		return pick(fr, "La table Parquet est illisible, ou ses colonnes ou son nombre de lignes ne sont pas ceux du manifeste.",
			"The Parquet table cannot be read, or has not the columns or rows of the manifest.")
	default:
		return c.sentenceOfMeaning(fr)
	}
}

func (c Code) sentenceOfMeaning(fr bool) string {
	switch c {
	case CodePosition:
		return pick(fr, "Les positions ne se suivent pas : un fait manque, est doublé ou déplacé.",
			"Positions are not consecutive: a fact is missing, doubled or moved.")
	case CodeFact:
		return pick(fr, "Ce n'est pas un fait du registre, ou une colonne contredit le fait.", "This is no fact of a ledger, or a column contradicts the fact.")
	case CodeLeaf:
		return pick(fr, "Ce fait n'est pas celui que l'arbre signé contient à cette position.",
			"This fact is not the one that the signed tree has at this position.")
	case CodeTile:
		return pick(fr, "Cette tuile de l'arbre n'est pas l'empreinte de celles qu'elle couvre.", "This tile of the tree is not the hash of those it covers.")
	case CodeRoot:
		return pick(fr, "L'arbre ne mène pas à la racine signée.", "The tree does not lead to the signed root.")
	case CodeHead:
		return pick(fr, "Cette tête signée n'est pas celle de cet arbre, n'est pas signée par la clé, ou n'est pas à sa place.",
			"This signed head is not of this tree, not signed by the key, or not in its place.")
	case CodeAnchor:
		return pick(fr, "Cet horodatage (RFC 3161) ne vaut pas pour la tête signée.", "This timestamp (RFC 3161) does not hold for the signed head.")
	case CodeProof:
		return pick(fr, "Cette preuve ne vérifie pas.", "This proof does not verify.")
	case CodeReceipt:
		return pick(fr, "Ce reçu n'est pas signé par le registre, ou a été modifié.", "This receipt is not signed by the ledger, or was edited.")
	case CodeNotice:
		return pick(fr, "Le texte de la mention d'information n'est pas celui que la table désigne par son empreinte.",
			"The notice's text is not the one that the table names by its hash.")
	case CodeOpposition:
		return pick(fr, "Cette ligne de la liste d'opposition n'est pas dans sa forme.", "This row of the opposition list is not in its form.")
	case CodeNothing:
		return pick(fr, "Il n'y avait rien à vérifier.", "There was nothing to check.")
	default:
		return string(c)
	}
}
