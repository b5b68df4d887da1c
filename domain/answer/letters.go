package answer

import "strings"

// received is how most letters begin.
func (w *writer) received() string {
	return w.lang.or("Vous avez exercé votre "+w.right()+" ; votre demande nous est parvenue le "+w.day(w.r.Received)+".",
		"You have used your "+w.right()+"; your request reached us on "+w.day(w.r.Received)+".")
}

func (w *writer) acknowledgement() ([]Block, error) {
	out := []Block{text(w.received())}
	if !w.r.Due.IsZero() {
		out = append(out, text(w.lang.or("Nous vous répondrons dans les meilleurs délais, et au plus tard le "+w.day(w.r.Due)+" (art. 12(3) du RGPD). Aucun paiement n'est demandé.",
			"We shall answer without undue delay, at the latest on "+w.day(w.r.Due)+" (GDPR art. 12(3)). Nothing is to be paid.")))
	}
	return append(out, text(w.lang.or("Le numéro de votre demande est "+w.r.number()+". Conservez-le.", "The number of your request is "+w.r.number()+". Please keep it."))), nil
}

func (w *writer) identity() ([]Block, error) {
	l := w.lang
	return []Block{
		text(w.received()),
		text(l.or("Les éléments de votre demande ne nous permettent pas d'écarter un doute raisonnable sur votre identité. Pour ne remettre vos données qu'à vous, nous vous demandons l'un de ces éléments, à votre choix (art. 12(6)) :",
			"What your request holds leaves a reasonable doubt about your identity. So that your data goes to nobody else, please give us one of these, whichever you like (art. 12(6)):")),
		{List: []string{
			l.or("une réponse envoyée depuis l'adresse électronique ou le numéro que vous nous avez communiqué ;", "a reply from the e-mail address or the number that you gave us;"),
			l.or("votre numéro de client, ou la référence d'un contrat ou d'une facture ;", "your customer number, or the reference of a contract or an invoice;"),
			l.or("une connexion à votre compte, suivie d'un message depuis celui-ci.", "logging in to your account and writing from there."),
		}},
		text(l.or("Ne nous envoyez pas de copie de pièce d'identité si l'un de ces éléments suffit. Si aucun n'est possible, dites-le-nous : une pièce d'identité peut alors être présentée, sans copie ; seuls le moyen et la date de la vérification sont conservés.",
			"Please do not send a copy of an identity document if one of these will do. If none is possible, tell us: a document can then be shown, without a copy; only the means and the date of the check are kept.")),
	}, nil
}

func (w *writer) extension() ([]Block, error) {
	if w.r.ExtendedTo.IsZero() {
		return nil, &MissingError{"extension"}
	}
	why := w.say(w.r.Complex)
	out := []Block{text(w.received()), text(w.lang.or(
		"En raison de "+strings.TrimPrefix(why, "de ")+", un mois ne suffit pas pour vous répondre. Comme l'article 12(3) du RGPD le permet, le délai est prolongé : nous vous répondrons au plus tard le "+w.day(w.r.ExtendedTo)+".",
		"Because of "+why+", a month is not enough to answer you. As article 12(3) of the GDPR allows, the time is extended: we shall answer at the latest on "+w.day(w.r.ExtendedTo)+"."))}
	if w.r.Extension != "" {
		out = append(out, text(w.lang.or("Motifs : ", "Reasons: ")+w.r.Extension))
	}
	return append(out, text(remedies(w.lang))), nil
}

func (w *writer) refusal() ([]Block, error) {
	if len(w.r.Grounds) == 0 {
		return nil, &MissingError{"grounds"}
	}
	said := make([]string, len(w.r.Grounds))
	for i, g := range w.r.Grounds {
		said[i] = w.say(g)
	}
	out := []Block{text(w.received()), text(w.lang.or("Après examen, nous ne pouvons pas y donner suite, ou seulement en partie, pour ce motif :", "We examined it and cannot grant it, or only in part, on this ground:")), {List: said}}
	for _, s := range []string{w.r.Reasons, w.r.Words} {
		if s != "" {
			out = append(out, text(s))
		}
	}
	return append(out, text(remedies(w.lang))), nil
}

func (w *writer) nothing() ([]Block, error) {
	out := []Block{text(w.received()), text(w.lang.or("Nous avons recherché dans nos fichiers ce qui pourrait vous concerner, à partir des éléments de votre demande. Nous vous confirmons que nous ne détenons aucune donnée à caractère personnel à votre sujet, en dehors de cette demande.",
		"We searched our files by what your request told us. We confirm that we hold no personal data about you, but for this request."))}
	if rows := w.searched(); len(rows) > 0 {
		out = append(out, text(w.lang.or("Systèmes interrogés :", "Systems that were searched:")), Block{List: rows})
	}
	return append(out, text(w.lang.or("Votre demande elle-même est conservée le temps nécessaire pour justifier de son traitement. Si vous pensez que nous détenons des données sous un autre nom, une autre adresse ou un autre numéro, indiquez-les-nous.",
		"Your request itself is kept as long as needed to show how it was dealt with. If you think that we hold data under another name, address or number, please tell us which.")),
		text(remedies(w.lang))), nil
}

func (w *writer) searched() (out []string) {
	for _, t := range w.r.Tasks {
		s := t.System + w.lang.or(" : ", ": ") + w.say(t.Outcome)
		if !t.At.IsZero() {
			s += ", " + w.day(t.At.Time)
		}
		out = append(out, s)
	}
	return out
}

func (w *writer) access() ([]Block, error) {
	out := []Block{text(w.received()), text(w.lang.or("Vous trouverez avec cette lettre la copie complète des données que nous détenons à votre sujet et les informations prévues par l'article 15 du RGPD : finalités, catégories, destinataires, durées, source, consultations, vos droits.",
		"With this letter you find the whole copy of the data that we hold about you and the information of article 15 of the GDPR: purposes, categories, recipients, periods, source, accesses, your rights."))}
	if rows := w.searched(); len(rows) > 0 {
		out = append(out, text(w.lang.or("Nous avons aussi interrogé ces systèmes ; ce qui y a été trouvé est joint :", "We searched these systems as well; what was found is enclosed:")), Block{List: rows})
	}
	if w.r.Words != "" {
		out = append(out, text(w.r.Words))
	}
	if len(w.r.Grounds) > 0 {
		said := make([]string, len(w.r.Grounds))
		for i, g := range w.r.Grounds {
			said[i] = w.say(g)
		}
		out = append(out, text(w.lang.or("Une partie n'a pas pu vous être communiquée :", "Part of it could not be given to you:")), Block{List: said})
	}
	return append(out, text(remedies(w.lang))), nil
}

func (w *writer) portable() ([]Block, error) {
	return []Block{text(w.received()), text(w.lang.or("Vous trouverez avec cette lettre les données que vous nous avez fournies, par vos déclarations ou par votre activité, et que nous traitons sur le fondement de votre consentement ou d'un contrat. Le fichier, au format JSON ou CSV, est lisible par machine ; vous pouvez le remettre à un autre organisme.",
		"With this letter you find the data that you provided, by what you stated or did, and that we process on your consent or on a contract. The file, in JSON or CSV, can be read by machines; you may hand it to another organisation.")),
		text(w.lang.or("Les données que nous avons déduites ou qui viennent d'autres sources n'en font pas partie ; le droit d'accès (art. 15) vous permet de les obtenir.",
			"What we inferred, and what came from others, is no part of it; the right of access (art. 15) gives you that.")),
		text(remedies(w.lang))}, nil
}

func (w *writer) rectified() ([]Block, error) {
	if len(w.f.Changed) == 0 && w.f.Statement == "" {
		return nil, &MissingError{"rectification"}
	}
	out := []Block{text(w.received())}
	if len(w.f.Changed) > 0 {
		names := make([]string, len(w.f.Changed))
		for i, path := range w.f.Changed {
			names[i] = w.field(path)
		}
		out = append(out, text(w.lang.or("Nous avons rectifié ces données :", "We rectified these data:")), Block{List: names})
	}
	if w.f.Statement != "" {
		out = append(out, text(w.lang.or("Votre déclaration complémentaire est jointe à vos données (art. 16) : ", "Your completing statement stands with your data (art. 16): ")+w.f.Statement))
	}
	return append(out, w.told()...), nil
}

// told says who is told of a change (art. 19).
func (w *writer) told() []Block {
	if len(w.f.Recipients) == 0 {
		return nil
	}
	return []Block{text(w.lang.or("Nous en avons informé, ou en informons, ceux à qui ces données ont été communiquées (art. 19) :", "Those to whom the data were disclosed have been or are being told (art. 19):")), {List: w.f.Recipients}}
}

func (w *writer) erased() ([]Block, error) {
	c := w.f.Certificate
	if c == nil {
		return nil, &MissingError{"certificate"}
	}
	l := w.lang
	out := []Block{text(w.received()), text(l.or("Vos données ont été effacées le "+w.day(c.ErasedAt.Time)+". Votre certificat porte le numéro "+c.Number.String()+" : en le rappelant, vous pourrez nous demander à tout moment si nous détenons encore quelque chose.",
		"Your data were erased on "+w.day(c.ErasedAt.Time)+". Your certificate has the number "+c.Number.String()+": quote it at any time to ask whether we still hold anything."))}
	destroyed := make([]string, 0, len(c.Destroyed)+len(c.Kept))
	for _, class := range c.Destroyed {
		destroyed = append(destroyed, w.of("class", class)+l.or(" : effacé", ": erased"))
	}
	for _, k := range c.Kept {
		until := w.day(k.Until.Time)
		if until == "" {
			until = l.or("tant que dure ce qui le justifie", "as long as what it is kept for goes on")
		} else {
			until = l.or("jusqu'au ", "until ") + until
		}
		destroyed = append(destroyed, w.of("class", k.Class)+l.or(" : conservé ", ": kept ")+until+l.or(", en raison de ce qui suit : ", ", because of ")+w.say(k.Ground))
	}
	out = append(out, Block{List: destroyed})
	out = append(out, w.told()...)
	if len(c.Kept) > 0 {
		out = append(out, text(remedies(l)))
	}
	return out, nil
}

func (w *writer) restricted() ([]Block, error) {
	if w.f.Restricted.IsZero() {
		return nil, &MissingError{"restriction"}
	}
	out := []Block{text(w.received()), text(w.lang.or("Depuis le "+w.day(w.f.Restricted)+", vos données sont seulement conservées : nous ne les utilisons plus, sauf avec votre accord, ou pour la défense de droits en justice (art. 18(2)).",
		"Since "+w.day(w.f.Restricted)+" your data are stored only: we no longer use them, unless you agree, or for legal claims (art. 18(2)).")),
		text(w.lang.or("Vous serez averti avant que cette limitation ne soit levée (art. 18(3)).", "You will be told before the restriction is lifted (art. 18(3))."))}
	return append(out, w.told()...), nil
}

func (w *writer) lifting() ([]Block, error) {
	if w.f.Restricted.IsZero() {
		return nil, &MissingError{"restriction"}
	}
	on := w.f.LiftOn
	if on.IsZero() {
		on = w.f.Now.Add(noticeOfLifting)
	}
	out := []Block{text(w.lang.or("Depuis le "+w.day(w.f.Restricted)+", le traitement de vos données est limité. Comme l'article 18(3) du RGPD nous y oblige, nous vous avertissons que cette limitation sera levée le "+w.day(on)+" : vos données pourront de nouveau être utilisées.",
		"Since "+w.day(w.f.Restricted)+" the processing of your data has been restricted. As article 18(3) of the GDPR requires, we tell you that the restriction will be lifted on "+w.day(on)+": your data may then be used again."))}
	if w.r.Words != "" {
		out = append(out, text(w.r.Words))
	}
	return append(out, text(w.lang.or("Si vous estimez que les raisons de la limitation demeurent, écrivez-nous avant cette date.", "If you consider that the reasons for it go on, please write to us before that day.")), text(remedies(w.lang))), nil
}

func (w *writer) scope() string {
	if len(w.f.Channels) == 0 {
		return w.lang.or("par tous les canaux", "by all channels")
	}
	return w.lang.or("par ces canaux : ", "by these channels: ") + w.all("channel", w.f.Channels)
}

func (w *writer) objected() ([]Block, error) {
	if w.f.Opposed.IsZero() {
		return nil, &MissingError{"opposition"}
	}
	return append([]Block{text(w.received()), text(w.lang.or("Votre opposition est en vigueur depuis le "+w.at(w.f.Opposed)+", "+w.scope()+". Vous n'aviez aucun motif à donner. Nous ne vous solliciterons plus.",
		"Your objection has been in force since "+w.at(w.f.Opposed)+", "+w.scope()+". You had no reason to give. We shall not solicit you any more.")),
		text(w.lang.or("Pour la respecter, nous gardons de vos coordonnées une empreinte chiffrée dans notre liste d'opposition, qui ne sert qu'à cela. Un message déjà parti peut encore vous parvenir.",
			"To respect it we keep a keyed fingerprint of your addresses in our opposition list, which serves nothing else. A message that was sent before may still reach you."))}, w.told()...), nil
}

func (w *writer) withdrawn() ([]Block, error) {
	if w.f.Opposed.IsZero() {
		return nil, &MissingError{"opposition"}
	}
	return append([]Block{text(w.received()), text(w.lang.or("Votre consentement est retiré depuis le "+w.at(w.f.Opposed)+", "+w.scope()+". Ce qui a été fait auparavant reste licite (art. 7(3)).",
		"Your consent has been withdrawn since "+w.at(w.f.Opposed)+", "+w.scope()+". What was done before stays lawful (art. 7(3))."))}, w.told()...), nil
}
