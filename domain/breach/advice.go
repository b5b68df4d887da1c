package breach

import "slices"

// name is a code for people.
type name struct{ fr, en string }

// plain are the codes that letters name.
func plain() map[string]name {
	return map[string]name{
		"identity":             {"votre identité (nom, prénom, date de naissance)", "your identity (names, date of birth)"},
		"contact_details":      {"vos coordonnées (adresse, courriel, téléphone)", "your contact details (address, e-mail, phone)"},
		"credentials":          {"votre identifiant et votre mot de passe", "your user name and password"},
		"bank":                 {"vos coordonnées bancaires (IBAN)", "your bank details (IBAN)"},
		"payment_card":         {"votre carte de paiement", "your payment card"},
		"nir":                  {"votre numéro de sécurité sociale", "your social security number"},
		"official_documents":   {"vos documents d'identité", "your identity documents"},
		"location":             {"votre localisation", "your location"},
		"offences":             {"des données relatives à des infractions ou condamnations", "data about offences or convictions"},
		"professional":         {"votre vie professionnelle", "your professional life"},
		"commercial":           {"vos achats et échanges avec nous", "your purchases and exchanges with us"},
		"recordings":           {"des enregistrements de vos appels", "recordings of your calls"},
		"health":               {"des données de santé", "health data"},
		"origin_or_opinions":   {"des données sur vos origines ou vos opinions", "data about your origin or opinions"},
		"biometric_or_genetic": {"des données biométriques ou génétiques", "biometric or genetic data"},
		"sexual_life":          {"des données sur votre vie ou orientation sexuelle", "data about your sexual life or orientation"},
		"unknown":              {"des données qui restent à déterminer", "data still to be determined"},

		"loss_of_control":              {"vous perdez la maîtrise de ces données, que d'autres peuvent réutiliser", "you lose control of these data, which others may use"},
		"limitation_of_rights":         {"l'exercice de vos droits peut être gêné", "you may be hindered in exercising your rights"},
		"discrimination":               {"une discrimination", "discrimination"},
		"identity_theft":               {"l'usurpation de votre identité", "theft of your identity"},
		"fraud":                        {"des tentatives d'escroquerie", "attempts at fraud"},
		"reversal_of_pseudonymisation": {"vous pouvez être reconnu dans des données qui ne vous nommaient pas", "you may be recognised in data that did not name you"},
		"financial_loss":               {"une perte financière, par exemple un prélèvement frauduleux", "financial loss, such as a fraudulent direct debit"},
		"reputation":                   {"une atteinte à votre réputation", "damage to your reputation"},
		"loss_of_secrecy":              {"la divulgation de données couvertes par un secret professionnel", "disclosure of data under professional secrecy"},
		"phishing":                     {"des messages ou appels d'hameçonnage qui se servent de ces données", "phishing messages or calls that use these data"},
	}
}

// advice is what a person can do when data of these categories, or these harms, are
// concerned.
type advice struct {
	when []string // none: always
	name
}

func advices() []advice {
	return []advice{
		{[]string{"credentials"}, name{
			"Changez dès maintenant votre mot de passe chez nous, et partout où vous utilisiez le même ; activez la double authentification.",
			"Change your password with us now, and wherever you used the same one; turn on two-factor authentication."}},
		{[]string{"bank", "financial_loss"}, name{
			"Surveillez vos comptes ; tout prélèvement que vous n'avez pas autorisé peut être contesté auprès de votre banque pendant 13 mois (C. mon. fin. L133-24). Vous pouvez lui demander de n'accepter que les créanciers que vous désignez.",
			"Watch your accounts; a payment that you did not authorise can be contested with your bank for 13 months (French monetary code L133-24). You can have it accept only the creditors that you name."}},
		{[]string{"payment_card"}, name{
			"Faites opposition à votre carte auprès de votre banque, ou au 0 892 705 705 ; signalez un achat frauduleux sur Perceval (service-public.fr).",
			"Have your card blocked by your bank, or at +33 892 705 705; report a fraudulent purchase at Perceval (service-public.fr)."}},
		{[]string{"official_documents", "identity_theft", "nir"}, name{
			"Si votre identité est usurpée, déposez plainte et consultez les fichiers FICOBA et de la Banque de France pour vérifier qu'aucun compte ou crédit n'a été ouvert à votre nom.",
			"If your identity is misused, file a complaint, and ask for your entries in FICOBA and at the Banque de France to see that no account or credit was opened in your name."}},
		{[]string{"contact_details", "phishing", "fraud", "identity"}, name{
			"Méfiez-vous des courriels, SMS et appels inattendus, même s'ils citent vos données : ne communiquez ni code ni mot de passe. Signalez-les sur signal-spam.fr ou au 33700.",
			"Beware of unexpected e-mails, text messages and calls, even if they quote your data: give nobody a code or password. Report them at signal-spam.fr or to 33700."}},
		{[]string{"location"}, name{
			"Vérifiez et coupez au besoin le partage de votre position dans vos applications.",
			"Check, and turn off if need be, the sharing of your location in your apps."}},
		{[]string{"reputation", "offences", "health", "sexual_life", "origin_or_opinions"}, name{
			"Si ces données sont publiées, demandez leur retrait au site et leur déréférencement aux moteurs de recherche ; la CNIL peut vous y aider.",
			"If these data are published, ask the site to remove them and search engines to delist them; the CNIL can help you."}},
		{nil, name{
			"En cas de difficulté, l'aide de 17Cyber (17cyber.gouv.fr) est gratuite, jour et nuit.",
			"If you are in difficulty, 17Cyber (17cyber.gouv.fr) helps for free, day and night."}},
	}
}

// Advice is what the persons can do, for the categories and harms of a form.
func Advice(f *Form, language string) (out []string) {
	concerned := slices.Concat(f.Data.Categories, f.Consequences.Harms)
	for _, a := range advices() {
		if a.when != nil && !slices.ContainsFunc(a.when, func(w string) bool { return slices.Contains(concerned, w) }) {
			continue
		}
		if language == "en" {
			out = append(out, a.en)
		} else {
			out = append(out, a.fr)
		}
	}
	return out
}
