package docs

// words are the page's headings in one language.
type words struct {
	Title, Intro, OtherLang, Contents, Routes, Types, Problems, Refusals, Reasons, Purposes, Roles string
	Permission, Access, Takes, Gives, Answers, Parameters, Name, In, Meaning                       string
	Field, Form, Values, Required, Sealed, Code, Status, What, Action, Ticket, Yes, Bases          string
	Permissions, Classes, Protective, Open, Personal, Policy, Machine                              string
}

func wordsIn(lang string) words {
	if lang == "fr" {
		return words{
			Title: "Greffe, référence de l’API", OtherLang: "English", Contents: "Sommaire", Routes: "Routes", Types: "Types d’événements",
			Intro:    "Registre de ce que l’on sait des contacts, de ce à quoi ils ont consenti, et de qui l’a vu.",
			Problems: "Codes d’erreur", Refusals: "Codes de refus d’un événement", Reasons: "Motifs de consultation", Purposes: "Finalités", Roles: "Rôles",
			Permission: "Droit", Access: "Accès", Takes: "Reçoit", Gives: "Rend", Answers: "Réponses", Parameters: "Paramètres", Name: "Nom", In: "Où", Meaning: "Sens",
			Field: "Champ", Form: "Forme", Values: "Valeurs", Required: "obligatoire", Sealed: "scellé", Code: "Code", Status: "Statut", What: "Quoi", Action: "Que faire",
			Ticket: "Ticket exigé", Yes: "oui", Bases: "Bases légales", Permissions: "Droits", Classes: "Classes visibles",
			Protective: "Protège la personne : jamais mis de côté en entier.", Open: "sans jeton",
			Personal: "Consultation journalisée avant toute réponse ; X-Greffe-Reason exigé.", Policy: "Politique en vigueur, version", Machine: "Le même document pour les machines",
		}
	}
	return words{
		Title: "Greffe, API reference", OtherLang: "Français", Contents: "Contents", Routes: "Routes", Types: "Event types",
		Intro:    "Ledger of what is known of contacts, what they consented to, and who saw it.",
		Problems: "Error codes", Refusals: "Codes of a refused event", Reasons: "Reasons for reading", Purposes: "Purposes", Roles: "Roles",
		Permission: "Permission", Access: "Access", Takes: "Takes", Gives: "Gives", Answers: "Answers", Parameters: "Parameters", Name: "Name", In: "In", Meaning: "Meaning",
		Field: "Field", Form: "Form", Values: "Values", Required: "required", Sealed: "sealed", Code: "Code", Status: "Status", What: "What", Action: "What to do",
		Ticket: "Ticket required", Yes: "yes", Bases: "Legal bases", Permissions: "Permissions", Classes: "Classes seen",
		Protective: "Protects the person: never set aside whole.", Open: "no token",
		Personal: "The access is recorded before anything is answered; needs X-Greffe-Reason.", Policy: "Policy in force, version", Machine: "The same document for machines",
	}
}
