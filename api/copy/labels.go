package copy

import "greffe/domain/contact"

// labels name fields, types and codes for people.
var labels = map[string]contact.Bilingual{
	"kind":                    {FR: "Qualité", EN: "Kind of contact"},
	"professional":            {FR: "Professionnel", EN: "Professional"},
	"portfolio":               {FR: "Portefeuille", EN: "Portfolio"},
	"notes":                   {FR: "Commentaires", EN: "Notes"},
	"person.given_name":       {FR: "Prénom", EN: "Given name"},
	"person.family_name":      {FR: "Nom", EN: "Family name"},
	"person.birth_date":       {FR: "Date de naissance", EN: "Date of birth"},
	"person.emails":           {FR: "Adresses électroniques", EN: "E-mail addresses"},
	"person.phones":           {FR: "Numéros de téléphone", EN: "Phone numbers"},
	"person.postal_address":   {FR: "Adresse postale", EN: "Postal address"},
	"person.language":         {FR: "Langue", EN: "Language"},
	"person.time_zone":        {FR: "Fuseau horaire", EN: "Time zone"},
	"upstream.id":             {FR: "Référence de l'événement chez la source", EN: "The source's id of the event"},
	"upstream.subject":        {FR: "Votre identifiant chez la source", EN: "The source's id of you"},
	"company.name":            {FR: "Entreprise", EN: "Company"},
	"company.siren":           {FR: "SIREN", EN: "Company number"},
	"company.role":            {FR: "Fonction", EN: "Role"},
	"collection.channel":      {FR: "Moyen de collecte", EN: "Collected by"},
	"collection.collected_at": {FR: "Date de collecte", EN: "Collected on"},
	"collection.legal_basis":  {FR: "Base légale", EN: "Legal basis"},
	"collection.origin":       {FR: "Origine", EN: "Origin"},
	"collection.purposes":     {FR: "Finalités déclarées", EN: "Stated purposes"},

	"contact.created":       {FR: "Fiche créée", EN: "Contact created"},
	"contact.changed":       {FR: "Fiche modifiée", EN: "Contact changed"},
	"contact.merged":        {FR: "Fiches réunies", EN: "Contacts merged"},
	"contact.unmerged":      {FR: "Fiches séparées", EN: "Contacts parted"},
	"contact.rekeyed":       {FR: "Identifiant changé", EN: "Identifier changed"},
	"contact.deleted":       {FR: "Supprimée par la source", EN: "Deleted by the source"},
	"interaction.recorded":  {FR: "Échange", EN: "Interaction"},
	"contract.started":      {FR: "Contrat conclu", EN: "Contract started"},
	"contract.changed":      {FR: "Contrat modifié", EN: "Contract changed"},
	"contract.ended":        {FR: "Contrat terminé", EN: "Contract ended"},
	"invoice.issued":        {FR: "Facture émise", EN: "Invoice issued"},
	"recruitment.closed":    {FR: "Candidature close", EN: "Application closed"},
	"notice.served":         {FR: "Information délivrée", EN: "Notice served"},
	"consent.requested":     {FR: "Consentement demandé", EN: "Consent requested"},
	"consent.granted":       {FR: "Consentement donné", EN: "Consent granted"},
	"consent.refused":       {FR: "Consentement refusé", EN: "Consent refused"},
	"consent.withdrawn":     {FR: "Consentement retiré", EN: "Consent withdrawn"},
	"opposition.registered": {FR: "Opposition enregistrée", EN: "Objection registered"},
	"request.received":      {FR: "Demande reçue", EN: "Request received"},
	"person.deceased":       {FR: "Décès signalé", EN: "Death reported"},
	"restriction.placed":    {FR: "Limitation posée", EN: "Restriction placed"},

	"granted":   {FR: "donné", EN: "granted"},
	"refused":   {FR: "refusé", EN: "refused"},
	"withdrawn": {FR: "retiré", EN: "withdrawn"},
	"expired":   {FR: "expiré", EN: "expired"},
	"requested": {FR: "demandé", EN: "requested"},
	"unproven":  {FR: "non prouvé", EN: "unproven"},
	"active":    {FR: "base active", EN: "active"},
	"archive":   {FR: "archivage intermédiaire", EN: "archive"},
	"destroy":   {FR: "destruction", EN: "destruction"},
	"ask":       {FR: "question posée une fois, puis destruction", EN: "asked once, then destruction"},

	"generalise": {FR: "généralisation, puis destruction", EN: "generalisation, then destruction"},

	"*":     {FR: "tous les autres", EN: "all others"},
	"open":  {FR: "en cours", EN: "open"},
	"ended": {FR: "terminé", EN: "ended"},

	"consent":             {FR: "consentement", EN: "consent"},
	"contract":            {FR: "contrat", EN: "contract"},
	"legal_obligation":    {FR: "obligation légale", EN: "legal obligation"},
	"vital_interests":     {FR: "sauvegarde des intérêts vitaux", EN: "vital interests"},
	"public_task":         {FR: "mission d'intérêt public", EN: "public task"},
	"legitimate_interest": {FR: "intérêt légitime", EN: "legitimate interest"},
}

// label is the name of a code, or the code itself where it has none.
func label(code string) contact.Bilingual {
	if l, ok := labels[code]; ok {
		return l
	}
	return contact.Bilingual{FR: code, EN: code}
}
