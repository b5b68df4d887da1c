package importer

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Targets of columns that are no path of the contract.
const (
	toSubject      = "subject"
	toIgnore       = "ignore"
	toConsent      = "consent"
	toConsentAt    = "consent.at"
	toOpposition   = "opposition"
	toOppositionAt = "opposition.at"
	toFullName     = "person.full_name"
	toLine         = "person.postal_address.lines"
	toPostalCode   = "person.postal_address.postal_code"
	toCity         = "person.postal_address.city"
	toCountry      = "person.postal_address.country"
	toAddress      = "person.postal_address"
	toEmails       = "person.emails"
	toPhones       = "person.phones"
	toKind         = "kind"
	toProfessional = "professional"
	toCollected    = "collection.collected_at"
	toActivity     = "last_activity_at"
	toSiren        = "company.siren"
	toBirthDate    = "person.birth_date"
	toGivenName    = "person.given_name"
	toFamilyName   = "person.family_name"
	toLanguage     = "person.language"
	toPurposes     = "collection.purposes"
	toSaleOffered  = "collection.sale.objection_offered"
)

// target is where a column's cells go.
type target struct {
	path     string
	purpose  string            // consent, opposition
	channels []string          // consent, opposition
	scope    string            // opposition: "all", beyond prospecting
	layouts  []string          // dates
	values   map[string]string // by the cell, squashed
}

// words lower-cases a name, takes off accents and parts it at all that is not a
// letter or digit.
func words(s string) []string {
	var b strings.Builder
	for _, c := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, c):
		case c == 'œ' || c == 'Œ':
			b.WriteString("oe")
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			b.WriteRune(unicode.ToLower(c))
		default:
			b.WriteByte(' ')
		}
	}
	return strings.Fields(b.String())
}

// squash is words without what parts them.
func squash(s string) string {
	out := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case c >= utf8.RuneSelf:
			return strings.Join(words(s), "")
		case c >= 'A' && c <= 'Z':
			out = append(out, c+'a'-'A')
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			out = append(out, c)
		}
	}
	return string(out)
}

// known is the table of column names in French and English, squashed.
func known(name string) string {
	switch strings.TrimRight(name, "0123456789") {
	case "id", "idclient", "idcontact", "identifiant", "identifiantclient", "reference", "ref", "refclient", "referenceclient", "numeroclient", "numclient", "nclient", "noclient", "codeclient", "clientid", "customerid", "contactid", "externalid", "matricule":
		return toSubject
	case "nom", "nomdefamille", "nomfamille", "lastname", "familyname", "surname", "nomcontact", "nomusuel":
		return toFamilyName
	case "prenom", "prenoms", "firstname", "givenname", "prenomcontact":
		return toGivenName
	case "nomcomplet", "nometprenom", "nomprenom", "fullname", "name", "contact":
		return toFullName
	case "email", "mail", "courriel", "adressemail", "adresseemail", "emailaddress", "adresseelectronique", "emailpro", "emailperso", "mailpro", "mailperso", "emailsecondaire":
		return toEmails
	case "tel", "telephone", "telephonefixe", "telfixe", "fixe", "portable", "telportable", "telephoneportable", "mobile", "telmobile", "telephonemobile", "gsm", "phone", "phonenumber", "mobilephone", "numerodetelephone", "telpro", "teldomicile", "telephonepro":
		return toPhones
	case "adresse", "adressepostale", "rue", "address", "street", "adresseligne", "addressline", "complementadresse", "complementdadresse", "complement", "voie":
		return toLine
	case "codepostal", "cp", "postalcode", "zip", "zipcode", "postcode":
		return toPostalCode
	case "ville", "commune", "city", "town", "localite":
		return toCity
	case "pays", "country":
		return toCountry
	}
	return knownMore(name)
}

func knownMore(name string) string {
	switch name {
	case "societe", "entreprise", "raisonsociale", "company", "companyname", "organisation", "nomsociete":
		return "company.name"
	case "siren", "siret", "nsiren", "nsiret", "numerosiren", "numerosiret":
		return toSiren
	case "fonction", "poste", "role", "jobtitle", "titreposte", "metier":
		return "company.role"
	case "statut", "type", "status", "typecontact", "typedecontact", "typeclient", "statutclient", "kind":
		return toKind
	case "professionnel", "pro", "b2b", "professional", "estpro":
		return toProfessional
	case "datecreation", "datedecreation", "creele", "cree", "datecollecte", "datedecollecte", "collectele", "createdat", "creationdate", "createddate", "dateinscription", "datedinscription", "collectedat", "dateajout":
		return toCollected
	case "derniereactivite", "datederniereactivite", "dernieractivite", "dernierachat", "datedernierachat", "dernierecommande", "datedernierecommande", "derniercontact", "datederniercontact", "lastactivity", "lastactivitydate", "lastactivityat", "lastorder", "lastorderdate":
		return toActivity
	case "commentaire", "commentaires", "notes", "note", "remarque", "remarques", "observations", "observation", "comment", "comments", "memo", "description":
		return "notes"
	case "origine", "source", "provenance", "origin", "canal", "sourceducontact", "origineducontact", "leadsource":
		return "collection.origin"
	case "langue", "language", "lang", "locale":
		return toLanguage
	case "datedenaissance", "datenaissance", "naissance", "neele", "nele", "ddn", "birthdate", "dateofbirth", "birthday", "dob":
		return toBirthDate
	case "greffeline", "greffecode", "greffesentence":
		return toIgnore
	}
	return ""
}

// legacy knows the columns of old consents and objections by their words.
func legacy(ws []string) (target, bool) {
	all := " " + strings.Join(ws, " ") + " "
	has := func(list ...string) bool {
		for _, w := range list {
			if strings.Contains(all, " "+w+" ") {
				return true
			}
		}
		return false
	}
	t := target{channels: channelsOf(has)}
	dated := has("date", "horodatage") || len(ws) > 1 && ws[len(ws)-1] == "le"
	switch {
	case has("optout", "opt out", "desinscrit", "desinscription", "desabonne", "desabonnement", "unsubscribed", "unsubscribe", "stop", "opposition", "oppose", "blacklist", "blackliste", "do not", "bloctel", "ne plus", "ne pas", "refus", "dnc"):
		t.path = toOpposition
		if has("contacter", "contact") && len(t.channels) == 0 {
			t.scope = "all"
		}
		if dated {
			t = target{path: toOppositionAt}
		}
		return t, true
	case has("optin", "opt in", "consent", "consentement", "newsletter", "abonne", "accord", "accepte"):
		t.path = toConsent
		if dated {
			t = target{path: toConsentAt}
		}
		return t, true
	}
	return t, false
}

func channelsOf(has func(...string) bool) []string {
	var out []string
	for _, c := range []struct {
		code  string
		words []string
	}{
		{"email", []string{"email", "e mail", "mail", "courriel", "newsletter", "emailing"}},
		{"sms", []string{"sms", "texto"}},
		{"phone", []string{"telephone", "tel", "phone", "appel", "appeler", "call", "demarchage", "telephonique", "bloctel"}},
		{"postal", []string{"courrier", "postal", "poste", "papier"}},
		{"social", []string{"social", "reseaux"}},
	} {
		if has(c.words...) {
			out = append(out, c.code)
		}
	}
	return out
}

// looksPersonal reports a header cell that is rather somebody's data.
func looksPersonal(cell string) bool {
	return strings.ContainsRune(cell, '@') || digits(cell) >= 6
}

// customPath names a column that nothing knows: custom.<snake_case>.
func customPath(ws []string, column int) string {
	name := strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '_' {
			return c
		}
		return -1
	}, strings.Join(ws, "_"))
	if len(name) > 40 {
		name = strings.Trim(name[:40], "_")
	}
	if name == "" {
		name = "column_" + strconv.Itoa(column+1)
	}
	return "custom." + name
}

// many reports a target that several columns may feed.
func many(path string) bool {
	switch path {
	case toEmails, toPhones, toLine, toConsent, toOpposition, toIgnore:
		return true
	}
	return false
}
