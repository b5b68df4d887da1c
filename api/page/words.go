package page

// words are the sentences of the pages in one language.
type words struct {
	OtherLang, Questions, EveryChannel, EveryPurpose, For, By, Recorded, Receipt                                  string
	StopTitle, StopLead, StopAsk, StopSave, StopAll, StopAllLead, StopNone, StopNote, StopAllEvery                string
	Skip, Wrong                                                                                                   string
	ConfirmTitle, ConfirmLead, ConfirmButton, ConfirmNote, ConfirmCalls, ConfirmIgnore                            string
	StoppedTitle, StoppedLead, StoppedBack, StoppedCNIL, ConfirmedTitle, ConfirmedLead, AlreadyTitle, AlreadyLead string
	NothingTitle, NothingLead, NothingNext, LaterTitle, LaterLead, LaterAgain                                     string
}

func wordsIn(lang string) words {
	if lang == "fr" {
		return words{
			OtherLang: "English", Questions: "Une question sur vos données ?", EveryChannel: "tous les moyens de contact",
			EveryPurpose: "tous nos messages", For: "À quel sujet", By: "Par quel moyen", Recorded: "Enregistré le", Receipt: "Référence",
			StopTitle: "Vos préférences de contact", StopLead: "Choisissez ce que vous ne voulez plus. Rien ne change tant que vous n’avez pas validé.",
			StopAsk: "Je ne veux plus être contacté par", StopSave: "Enregistrer mon choix",
			StopAll: "Ne plus rien recevoir", StopAllLead: "Plus aucune sollicitation à ce sujet, par aucun moyen.",
			StopAllEvery: "Plus aucun message, à aucun sujet et par aucun moyen, y compris au sujet de vos contrats et de vos commandes.",
			Skip:         "Aller au contenu", Wrong: "Erreur :",
			StopNone:     "Cochez au moins un moyen de contact, ou choisissez « Ne plus rien recevoir ».",
			StopNote:     "Vous n’avez aucun motif à donner et aucun compte à créer. Votre choix vaut dès son enregistrement.",
			ConfirmTitle: "Confirmez votre accord", ConfirmLead: "Vous avez demandé à être contacté. Votre accord n’est enregistré que si vous confirmez.",
			ConfirmButton: "Je confirme mon accord", ConfirmNote: "Vous pourrez retirer cet accord à tout moment, aussi simplement que vous le donnez.",
			ConfirmCalls:  "L’accord à être appelé vaut un an au plus, ne se renouvelle pas sans vous et se retire aussi de vive voix, pendant un appel.",
			ConfirmIgnore: "Vous n’avez rien demandé ? Fermez cette page : rien ne sera enregistré.",
			StoppedTitle:  "C’est enregistré", StoppedLead: "Votre opposition et le retrait de votre accord sont enregistrés et valent dès maintenant.",
			StoppedCNIL: "Si vous êtes encore sollicité, écrivez-nous ; vous pouvez aussi adresser une réclamation à la CNIL (www.cnil.fr).",
			StoppedBack: "Revenir à mes préférences", ConfirmedTitle: "Votre accord est enregistré", ConfirmedLead: "Merci. Vous pouvez le retirer à tout moment par le lien présent dans chaque message.",
			AlreadyTitle: "Déjà confirmé", AlreadyLead: "Cette confirmation a déjà servi. Rien de plus n’a été enregistré.",
			NothingTitle: "Ce lien n’ouvre rien", NothingLead: "Il est incomplet, il n’est plus valable, ou nous ne détenons plus rien à votre sujet. Dans ce dernier cas, vous n’avez rien à faire.",
			NothingNext: "Si vous recevez encore des messages, utilisez le lien du plus récent d’entre eux, ou répondez-y pour vous opposer.",
			LaterTitle:  "Pas encore enregistré", LaterLead: "Votre demande n’a pas pu être enregistrée à l’instant. Merci de réessayer dans quelques secondes.", LaterAgain: "Réessayer",
		}
	}
	return words{
		OtherLang: "Français", Questions: "Questions about your data?", EveryChannel: "every means of contact",
		EveryPurpose: "all our messages", For: "About", By: "By which means", Recorded: "Recorded on", Receipt: "Reference",
		StopTitle: "Your contact preferences", StopLead: "Choose what you no longer want. Nothing changes until you confirm.",
		StopAsk: "I no longer want to be contacted by", StopSave: "Save my choice",
		StopAll: "Receive nothing more", StopAllLead: "No more solicitation on this subject, by any means.",
		StopAllEvery: "No more messages, on any subject and by any means, those about your contracts and orders included.",
		Skip:         "Skip to content", Wrong: "Error:",
		StopNone:     "Tick at least one means of contact, or choose “Receive nothing more”.",
		StopNote:     "You need no reason and no account. Your choice holds as soon as it is recorded.",
		ConfirmTitle: "Confirm your consent", ConfirmLead: "You asked to be contacted. Your consent is recorded only if you confirm.",
		ConfirmButton: "I confirm my consent", ConfirmNote: "You can withdraw it at any time, as easily as you give it.",
		ConfirmCalls:  "Consent to be called holds for one year at most, is never renewed without you, and can also be withdrawn by word of mouth, in a call.",
		ConfirmIgnore: "You did not ask for anything? Close this page: nothing will be recorded.",
		StoppedTitle:  "It is recorded", StoppedLead: "Your objection and the withdrawal of your consent are recorded and hold from now on.",
		StoppedCNIL: "If you are still solicited, write to us; you can also complain to the CNIL (www.cnil.fr).",
		StoppedBack: "Back to my preferences", ConfirmedTitle: "Your consent is recorded", ConfirmedLead: "Thank you. You can withdraw it at any time with the link in every message.",
		AlreadyTitle: "Already confirmed", AlreadyLead: "This confirmation was used before. Nothing more was recorded.",
		NothingTitle: "This link opens nothing", NothingLead: "It is incomplete, it is no longer valid, or we hold nothing about you any more. In the last case there is nothing to do.",
		NothingNext: "If you still receive messages, use the link in the latest of them, or reply to it to object.",
		LaterTitle:  "Not recorded yet", LaterLead: "Your request could not be recorded just now. Please try again in a few seconds.", LaterAgain: "Try again",
	}
}
