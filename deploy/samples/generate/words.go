package main

import "strings"

func list(s string) []string { return strings.Split(s, "|") }

func womensNames() []string {
	return list("Léa|Chloé|Inès|Zoé|Amélie|Françoise|Hélène|Aurélie|Noémie|Jeanne|Camille|Manon|Élodie|Sandrine|Nathalie|Brigitte|Agnès|Fatima|Aïcha|Maëlys|Thérèse|Odette|Lucie|Anaïs|Mireille|Yvonne|Marie-Ange|Anne-Sophie|Clémence|Solène")
}

func mensNames() []string {
	return list("Jérôme|François|René|Stéphane|Benoît|Loïc|Gaël|Théo|Hugo|Lucas|Mathéo|Karim|Mehdi|Gérard|Michel|Jean-Paul|Jean-François|André|Noël|Cédric|Sébastien|Frédéric|Rémi|Aurélien|Yann|Ousmane|Émile|Félix|Grégoire|Thibault")
}

func familyNames() []string {
	return list("Lefèvre|Müller|Dupré|Béranger|Quénivet|Le Gall|Guérin|Garçon|Château|Lacroix-Morel|D'Hérouville|Bénard|Çelik|Traoré|Ben Amar|Nguyên|Fontaine|Roche|Mercier|Blanchard|Gauthier|Perrin|Morvan|Kervella|Etcheverry|Casanova|Schmitt|Weiß|Vandenbroucke|Delacourt|Péron|Ménard|Rivière|Boulanger|Charpentier|Lemaître|Noël|Prévost|Hébert|Aubry|Tissot|Vasseur|Œuvrard|Maréchal")
}

func streets() []string {
	return list("rue des Lilas|avenue de la République|impasse du Moulin|boulevard Voltaire|chemin des Écoliers|place de l'Église|allée des Châtaigniers|rue du Général-Leclerc|quai de la Marne|route de Saint-Rémy|rue Émile-Zola|square des Érables|cours Gambetta|sentier du Gué")
}

// towns are postal code and name.
func towns() []string {
	return list("69003 Lyon|75011 Paris|13006 Marseille|31000 Toulouse|44000 Nantes|67000 Strasbourg|33000 Bordeaux|59000 Lille|35000 Rennes|06000 Nice|01000 Bourg-en-Bresse|29200 Brest|38000 Grenoble|63000 Clermont-Ferrand|14000 Caen|51100 Reims|84000 Avignon|64100 Bayonne|20000 Ajaccio|42000 Saint-Étienne|97400 Saint-Denis|97200 Fort-de-France|02100 Saint-Quentin|08000 Charleville-Mézières")
}

func companies() []string {
	return list("Menuiserie du Val|Garage de l'Étoile|Boulangerie Épi d'Or|Atelier Brocéliande|Toitures Réunies|Cabinet Hêtre & Associés|Pépinières du Clos|Électricité Générale Ouest|Imprimerie du Faubourg|Fromagerie des Crêtes|Librairie À la Page|Transports Coquelicot|Conserverie de l'Anse|Société Nouvelle d'Études")
}

func jobs() []string {
	return list("gérant|gérante|directrice des achats|comptable|assistant commercial|responsable d'atelier|présidente|chef de projet")
}

func fineNotes() []string {
	return list("Préfère être rappelé le matin.|Client depuis le salon de l'habitat.|A demandé un devis pour 3 fenêtres.|Ne pas sonner, chien.|Intéressée par l'offre \"Été\", à recontacter.|Livraison au dépôt ; voir avec l'accueil.|RAS|Devis envoyé\nRelance prévue\n\"urgent\"|Satisfait de l'installation|Demande facture en PDF|Parle aussi anglais|Cherche un modèle plus récent; budget à préciser")
}

// badNotes hold what must not be in a CRM's free text: words on health, belief,
// union and opinion (art. 9 GDPR), insults, precise incomes, security codes.
func badNotes() []string {
	return list("diabétique, ne pas appeler avant 10h|Enceinte de 5 mois|en rémission d'un cancer du sein|dépression, sous antidépresseurs|client pénible, un vrai crétin|vieille folle, raccroche au nez|revenus 2 873 € par mois, propriétaire|gagne 41 250 euros/an, surendettée|délégué syndical CGT|très pratiquant, ne travaille pas le vendredi|vote extrême droite, éviter le sujet|handicapé à 80 %, fauteuil|paie en CB, CVV 123|cryptogramme 987, exp 04/27|séropositif (dit par sa soeur)|casier judiciaire pour vol")
}

func testCards() []string {
	return list("4111 1111 1111 1111|5555555555554444|378282246310005|4970 1000 0000 0154|6011-1111-1111-1117")
}
