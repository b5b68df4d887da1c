package rightsform

import "greffe/domain/rights"

// words are the sentences of the form in one language.
type words struct {
	OtherLang, Skip, Wrong, Questions                                                string
	Title, Lead, NoDocument, Needed, Optional, WrongLead                             string
	RightAsk, AsAsk, WhoAsk, AnswerAsk, Name, Email, Phone, Address, Customer, Agent string
	CustomerHint, AgentHint, AnswerHint, Message, MessageHint, TrapLabel, Send       string
	NoticeTitle, Notice, NoticeMonth, NoticeCNIL                                     string
	DoneTitle, DoneLead, Number, Due, InForce, DoneKeep, DoneNext, Another           string
	LaterTitle, LaterLead, LaterAgain                                                string
	Rights                                                                           map[rights.Right]string
	As                                                                               map[rights.Requester]string
	Problems                                                                         map[string]string
}

func wordsIn(lang string) words {
	if lang == "fr" {
		return french()
	}
	return english()
}

func french() words {
	return words{
		OtherLang: "English", Skip: "Aller au contenu", Wrong: "Erreur :", Questions: "Une question sur vos données ?",
		Title: "Exercer vos droits sur vos données", Lead: "Vous n’avez besoin ni d’un compte ni d’un motif, et c’est gratuit. Nous répondons sous un mois.",
		NoDocument: "N’envoyez pas de pièce d’identité : nous ne la demandons qu’en cas de doute raisonnable, et nous ne la gardons jamais.",
		Needed:     "obligatoire", Optional: "facultatif", WrongLead: "Votre demande n’est pas encore envoyée. À revoir :",
		RightAsk: "Que demandez-vous ?", AsAsk: "Vous demandez…", WhoAsk: "La personne dont il s’agit", AnswerAsk: "Où vous répondre",
		Name: "Prénom et nom", Email: "Adresse électronique", Phone: "Téléphone", Address: "Adresse postale", Customer: "Numéro de client",
		Agent: "Votre nom, si vous demandez pour quelqu’un d’autre", CustomerHint: "Ou une autre référence figurant sur nos courriers : elle suffit souvent à vous reconnaître.",
		AgentHint:  "Nous vous demanderons de justifier que vous agissez pour cette personne.",
		AnswerHint: "Une adresse suffit, électronique ou postale. Pour ne plus être sollicité, donnez l’adresse ou le numéro concerné.",
		Message:    "Précisions", MessageHint: "Ce que vous voulez corriger, effacer ou savoir. Inutile de parler de votre santé ou de vos opinions.",
		TrapLabel: "Ne rien écrire ici", Send: "Envoyer ma demande",
		NoticeTitle: "Ce que devient cette demande",
		Notice:      "Ces informations servent uniquement à vous répondre et à prouver que nous l’avons fait (articles 12 et 15 à 22 du RGPD). Elles sont scellées, lues par les seules personnes chargées des demandes, et détruites cinq ans après la clôture.",
		NoticeMonth: "Nous répondons dans le mois qui suit l’envoi. Si votre demande est complexe, ce délai peut être prolongé de deux mois : nous vous dirions pourquoi avant la fin du premier.",
		NoticeCNIL:  "Si notre réponse ne vous convient pas, vous pouvez saisir la CNIL (www.cnil.fr) ou un tribunal.",
		DoneTitle:   "Votre demande est enregistrée", DoneLead: "Nous l’avons bien reçue. Elle ne peut être ni perdue ni retirée sans laisser de trace.",
		Number: "Numéro à garder", Due: "Réponse au plus tard le", InForce: "Votre opposition vaut dès maintenant : nous ne vous solliciterons plus à cette adresse ou à ce numéro.",
		DoneKeep: "Notez ce numéro ou imprimez cette page : il n’est envoyé nulle part.", DoneNext: "Nous pourrons vous demander une information de plus pour être sûrs de répondre à la bonne personne.",
		Another:    "Faire une autre demande",
		LaterTitle: "Pas encore enregistrée", LaterLead: "Votre demande n’a pas pu être enregistrée à l’instant. Merci de réessayer dans quelques minutes, ou de nous écrire.", LaterAgain: "Réessayer",
		Rights: map[rights.Right]string{rights.Objection: "Ne plus être sollicité (opposition à la prospection)", rights.Access: "Savoir ce que vous détenez sur moi, et en avoir une copie",
			rights.Rectification: "Corriger ou compléter mes données", rights.Erasure: "Effacer mes données", rights.Restriction: "Geler l’usage de mes données (limitation)",
			rights.Portability: "Récupérer mes données dans un format réutilisable", rights.ConsentWithdrawal: "Retirer un accord que j’ai donné",
			rights.ObjectionProcessing: "M’opposer à un autre usage de mes données", rights.AutomatedDecision: "Faire revoir par un humain une décision automatique",
			rights.PostMortem: "Une demande au sujet d’une personne décédée", rights.Other: "Autre chose, que je précise ci-dessous"},
		As: map[rights.Requester]string{rights.InPerson: "pour vous-même", rights.Proxy: "pour une personne qui vous a donné mandat", rights.Guardian: "pour votre enfant, ou une personne que vous protégez",
			rights.Heir: "comme héritier d’une personne décédée"},
		Problems: map[string]string{Right: "Choisissez ce que vous demandez.", Requester: "Choisissez « comme héritier » pour une personne décédée, et seulement dans ce cas.",
			Name: "Indiquez le prénom et le nom de la personne.", Email: "Cette adresse électronique n’est pas complète.", Phone: "Ce numéro est trop long.",
			AnswerKey: "Indiquez où vous répondre : une adresse électronique ou postale.", ObjectKey: "Indiquez l’adresse ou le numéro où vous ne voulez plus être sollicité.",
			Address: "Cette adresse est trop longue.", Customer: "Ce numéro est trop long.", Agent: "Indiquez votre propre nom : vous demandez pour quelqu’un d’autre.",
			Message: "Précisez votre demande, en 8 000 caractères au plus.", Trap: "Laissez vide le champ « Ne rien écrire ici » : il sert à reconnaître les robots."},
	}
}

func english() words {
	return words{
		OtherLang: "Français", Skip: "Skip to content", Wrong: "Error:", Questions: "Questions about your data?",
		Title: "Exercise your rights over your data", Lead: "You need no account and no reason, and it is free of charge. We answer within one month.",
		NoDocument: "Do not send an identity document: we ask for one only where there is reasonable doubt, and never keep it.",
		Needed:     "required", Optional: "optional", WrongLead: "Your request has not been sent yet. Please look again at:",
		RightAsk: "What do you ask for?", AsAsk: "You ask…", WhoAsk: "The person concerned", AnswerAsk: "Where to answer you",
		Name: "First name and surname", Email: "E-mail address", Phone: "Phone number", Address: "Postal address", Customer: "Customer number",
		Agent: "Your own name, if you ask for somebody else", CustomerHint: "Or another reference from our letters: often enough to recognise you.",
		AgentHint:  "We will ask you to show that you act for this person.",
		AnswerHint: "One address is enough, e-mail or postal. To stop being solicited, give the address or number concerned.",
		Message:    "Details", MessageHint: "What you want corrected, erased or to know. There is no need to mention your health or opinions.",
		TrapLabel: "Write nothing here", Send: "Send my request",
		NoticeTitle: "What becomes of this request",
		Notice:      "This information serves only to answer you and to prove that we did (articles 12 and 15 to 22 GDPR). It is sealed, read only by those in charge of requests, and destroyed five years after the request is closed.",
		NoticeMonth: "We answer within a month of your sending this. If your request is complex, that can be extended by two months: we would tell you why before the first one ends.",
		NoticeCNIL:  "If our answer does not satisfy you, you can complain to the CNIL (www.cnil.fr) or go to court.",
		DoneTitle:   "Your request is recorded", DoneLead: "We have received it. It can neither be lost nor removed without a trace.",
		Number: "Number to keep", Due: "Answer at the latest on", InForce: "Your objection is in effect from now on: we will no longer solicit you at this address or number.",
		DoneKeep: "Note this number or print this page: it is not sent anywhere.", DoneNext: "We may ask you for one more piece of information, to be sure that we answer the right person.",
		Another:    "Make another request",
		LaterTitle: "Not recorded yet", LaterLead: "Your request could not be recorded just now. Please try again in a few minutes, or write to us.", LaterAgain: "Try again",
		Rights: map[rights.Right]string{rights.Objection: "Stop being solicited (objection to prospecting)", rights.Access: "Know what you hold about me, and have a copy",
			rights.Rectification: "Correct or complete my data", rights.Erasure: "Erase my data", rights.Restriction: "Freeze the use of my data (restriction)",
			rights.Portability: "Get my data in a format that can be used again", rights.ConsentWithdrawal: "Withdraw a consent that I gave",
			rights.ObjectionProcessing: "Object to another use of my data", rights.AutomatedDecision: "Have an automated decision reviewed by a human",
			rights.PostMortem: "A request about somebody who died", rights.Other: "Something else, which I describe below"},
		As: map[rights.Requester]string{rights.InPerson: "for yourself", rights.Proxy: "for somebody who gave you a mandate", rights.Guardian: "for your child, or somebody in your protection",
			rights.Heir: "as heir of somebody who died"},
		Problems: map[string]string{Right: "Choose what you ask for.", Requester: "Choose “as heir” for somebody who died, and only then.",
			Name: "Give the first name and surname of the person.", Email: "This e-mail address is not complete.", Phone: "This number is too long.",
			AnswerKey: "Say where to answer you: an e-mail or a postal address.", ObjectKey: "Give the address or number at which you no longer want to be solicited.",
			Address: "This address is too long.", Customer: "This number is too long.", Agent: "Give your own name: you ask for somebody else.",
			Message: "Describe your request, in at most 8,000 characters.", Trap: "Leave the field “Write nothing here” empty: it tells robots apart."},
	}
}
