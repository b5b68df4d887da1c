package answer

import (
	"cmp"
	"slices"
	"time"

	"greffe/domain/contact"
)

// Model is a letter of a request.
type Model string

// The models. Those that package rights records the dispatch of have its names.
const (
	Acknowledgement Model = "acknowledgement"
	IdentityRequest Model = "identity_request"    // art. 12(6)
	Extension       Model = "extension"           // art. 12(3)
	Refusal         Model = "refusal"             // art. 12(4)
	NothingHeld     Model = "nothing_held"        // art. 15(1), 12(4)
	AccessCover     Model = "access"              // goes with the answer
	PortableCover   Model = "portability"         // goes with the data
	Rectified       Model = "rectification"       // art. 16, 19
	Erased          Model = "erasure"             // art. 17, 19
	Restricted      Model = "restriction"         // art. 18
	Lifting         Model = "restriction_lifting" // art. 18(3): before it is lifted
	Objected        Model = "objection"           // art. 21
	Withdrawn       Model = "consent_withdrawal"  // art. 7(3)
)

// Models lists them.
func Models() []Model {
	return []Model{Acknowledgement, IdentityRequest, Extension, Refusal, NothingHeld, AccessCover, PortableCover, Rectified,
		Erased, Restricted, Lifting, Objected, Withdrawn}
}

// MissingError: a letter would state what has not happened, so there is none. What is
// a code: model, extension, grounds, rectification, certificate, restriction,
// opposition.
type MissingError struct{ What string }

func (e *MissingError) Error() string {
	return "this letter cannot be written: the ledger has none of what it would state (" + e.What + ")"
}

// Facts is what letters are made of besides the request.
type Facts struct {
	Now         time.Time
	Controller  contact.ControllerLine
	Recipients  []string            // who is told of a change, by name (art. 19)
	Changed     []string            // fields that were rectified since the request came in
	Statement   string              // a completing statement (art. 16)
	Certificate *ErasureCertificate // of the erasure that the request led to
	Restricted  time.Time           // since when; zero: not
	LiftOn      time.Time           // when a restriction is to be lifted; zero: 14 days from now
	Channels    []string            // of the objection or withdrawal, codes; none: all
	Opposed     time.Time           // when the objection took effect
}

// noticeOfLifting is how long before a restriction is lifted the person is warned, if
// nobody says otherwise.
const noticeOfLifting = 14 * 24 * time.Hour

// Letter writes a letter about a request, or says in a MissingError what is lacking.
func Letter(m Model, lang Lang, r *Request, f Facts, g Glossary) (*Document, error) {
	w := &writer{glossary: g.in(lang), r: r, f: f}
	d := &Document{Lang: lang, Made: f.Now, Title: w.object(m)}
	write := map[Model]func(*writer) ([]Block, error){
		Acknowledgement: (*writer).acknowledgement, IdentityRequest: (*writer).identity, Extension: (*writer).extension, Refusal: (*writer).refusal,
		NothingHeld: (*writer).nothing, AccessCover: (*writer).access, PortableCover: (*writer).portable, Rectified: (*writer).rectified,
		Erased: (*writer).erased, Restricted: (*writer).restricted, Lifting: (*writer).lifting, Objected: (*writer).objected, Withdrawn: (*writer).withdrawn,
	}[m]
	if write == nil {
		return nil, &MissingError{"model"}
	}
	blocks, err := write(w)
	if err != nil {
		return nil, err
	}
	d.Letter = w.head(m)
	d.Sections = []Section{{Blocks: slices.Concat([]Block{text(w.greeting())}, blocks, []Block{text(w.questions())})}}
	d.Closing = []string{lang.or("Veuillez agréer, Madame, Monsieur, l'expression de nos salutations distinguées.", "Yours faithfully,"), "", f.Controller.Name}
	if f.Controller.DPO != "" {
		d.Closing = append(d.Closing, lang.or("Le délégué à la protection des données, ", "The data protection officer, ")+f.Controller.DPO)
	}
	d.Footer = lang.or("Demande ", "Request ") + r.number()
	return d, nil
}

// writer writes one letter.
type writer struct {
	*glossary
	r *Request
	f Facts
}

func (w *writer) head(m Model) *Letterhead {
	h := &Letterhead{Date: w.lang.or("Le ", "") + w.day(w.f.Now), Object: w.lang.or("Objet : ", "Subject: ") + w.object(m),
		Reference: w.lang.or("Vos références : demande ", "Your reference: request ") + w.r.number()}
	for _, s := range []string{w.f.Controller.Name, w.f.Controller.Address, w.f.Controller.Email, w.f.Controller.Phone} {
		if s != "" {
			h.From = append(h.From, s)
		}
	}
	if w.r.Name != "" {
		h.To = append(h.To, w.r.Name)
	}
	if w.r.Agent != "" {
		h.To = append(h.To, w.lang.or("représenté par ", "represented by ")+w.r.Agent)
	}
	h.To = append(h.To, w.r.Address...)
	return h
}

func (w *writer) greeting() string {
	return w.lang.or("Madame, Monsieur,", "Dear Sir or Madam,")
}

func (w *writer) questions() string {
	to := cmp.Or(w.f.Controller.DPO, w.f.Controller.Email, w.f.Controller.Address)
	if to == "" {
		return ""
	}
	return w.lang.or("Pour toute question sur cette demande, écrivez à "+to+" en rappelant son numéro, "+w.r.number()+".",
		"For any question about this request, write to "+to+" and quote its number, "+w.r.number()+".")
}

// right names the right, with its article.
func (w *writer) right() string {
	article := map[string]string{"access": "15", "rectification": "16", "erasure": "17", "restriction": "18", "recipients": "19", "portability": "20",
		"objection": "21", "objection_processing": "21", "automated_decision": "22", "consent_withdrawal": "7(3)"}[w.r.Right]
	name := map[string]contact.Bilingual{
		"access": {FR: "droit d'accès", EN: "right of access"}, "rectification": {FR: "droit de rectification", EN: "right to rectification"},
		"erasure": {FR: "droit à l'effacement", EN: "right to erasure"}, "restriction": {FR: "droit à la limitation du traitement", EN: "right to restriction of processing"},
		"recipients": {FR: "droit de connaître les destinataires", EN: "right to know the recipients"}, "portability": {FR: "droit à la portabilité", EN: "right to data portability"},
		"objection": {FR: "droit d'opposition", EN: "right to object"}, "objection_processing": {FR: "droit d'opposition", EN: "right to object"},
		"automated_decision": {FR: "droit de ne pas subir une décision automatisée", EN: "right not to be subject to an automated decision"},
		"consent_withdrawal": {FR: "droit de retirer votre consentement", EN: "right to withdraw consent"},
		"post_mortem":        {FR: "droit d'agir au sujet des données d'une personne décédée (loi 78-17, art. 85)", EN: "right to act about the data of a deceased person (loi 78-17, art. 85)"},
		"directives":         {FR: "droit de donner des directives sur le sort de données après le décès (loi 78-17, art. 85)", EN: "right to give directives about data after death (loi 78-17, art. 85)"},
	}[w.r.Right]
	if name.FR == "" {
		name = contact.Bilingual{FR: "droit relatif à vos données", EN: "right over your data"}
	}
	if article == "" {
		return w.pick(name)
	}
	return w.pick(name) + w.lang.or(" (art. "+article+" du RGPD)", " (GDPR art. "+article+")")
}

func (w *writer) object(m Model) string {
	b := map[Model]contact.Bilingual{
		Acknowledgement: {FR: "accusé de réception de votre demande", EN: "we received your request"},
		IdentityRequest: {FR: "votre demande : confirmation de votre identité", EN: "your request: confirming your identity"},
		Extension:       {FR: "votre demande : prolongation du délai de réponse", EN: "your request: more time to answer"},
		Refusal:         {FR: "réponse à votre demande", EN: "answer to your request"},
		NothingHeld:     {FR: "réponse à votre demande : aucune donnée détenue", EN: "answer to your request: no data held"},
		AccessCover:     {FR: "réponse à votre demande d'accès", EN: "answer to your request of access"},
		PortableCover:   {FR: "réponse à votre demande de portabilité", EN: "answer to your request of portability"},
		Rectified:       {FR: "rectification de vos données", EN: "rectification of your data"},
		Erased:          {FR: "effacement de vos données", EN: "erasure of your data"},
		Restricted:      {FR: "limitation du traitement de vos données", EN: "restriction of the processing of your data"},
		Lifting:         {FR: "levée prochaine de la limitation du traitement de vos données", EN: "the restriction of processing will be lifted"},
		Objected:        {FR: "confirmation de votre opposition", EN: "your objection is in force"},
		Withdrawn:       {FR: "confirmation du retrait de votre consentement", EN: "your consent is withdrawn"},
	}[m]
	return w.pick(b)
}
