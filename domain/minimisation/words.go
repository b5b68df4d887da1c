package minimisation

// list is what says that a comment is of one category, by how much it says alone.
// Phrases are parted by commas; a word may have alternatives (a|b) and be a stem (a*).
type list struct {
	category                  string
	certain, likely, possible string
}

func lexicon() []list { return append(french(), english()...) }

// Words before or after which a capital begins a name. Nothing changes them.
var (
	titles = []string{"m", "mm", "mr", "mrs", "ms", "mme", "mlle", "dr", "me", "pr", "monsieur", "madame"}
	// streets stand in addresses.
	streets = []string{"rue", "avenue", "av", "bd", "boulevard", "place", "allee", "impasse", "chemin", "quai", "square", "street", "road", "lane", "drive"}
)

// personWords say that a clause is about a person.
const personWords = `il elle ils elles son sa ses mari femme fils fille mere pere frere soeur epouse epoux conjoint compagnon compagne
bebe enfant enfants client cliente clients monsieur madame mme mlle famille couple voisin voisine est etait a avait souffre atteint atteinte suivi suivie
sous devenu devenue parait vit porteur porteuse tombe tombee malade trop tres vrai vraie quel quelle sale gros grosse pauvre vieux vieille ce cette encore
he she his her him husband wife son daughter mother father brother sister customer client caller is was has had guy man woman couple family baby
suffers suffering diagnosed known looks total complete real very what this another per according says qui who`

// neutralWords say that a clause is about trade, things, places or works.
const neutralWords = `vend vends vendre vente ventes produit produits commande commandes commander devis livraison livraisons livrer livree livre livres facture factures
carton cartons kg pieces modele modeles reference references reassort reassortir restaurant restaurants boucherie boulangerie traiteur societe association asso
ligue fondation cabinet clinique hopital laboratoire mairie ecole paroisse film films dvd jeu jeux cd logiciel garantie moteur panne disjoncteur site
tapis meuble meubles vin cafe couleur mat exemplaires chien chiot chat gazon piscine projet parking place places acces rampe siege gerant gerante
voyage voyages agence boite droite gauche stock specialite cuisine marche plat menu prix agree agreee fibre mutuelle centre directeur victime
sells sell selling deliver delivery quote quotes order orders ordered ordering invoice restaurant shop branch butcher caterer book bookshop books box game room
brand street proof research charity licence app software ramp wheelchairs blinds cheese cards jacket size market cost costs number estimate sweater
copies product products restock item range prices file show reader gala maize quote victim scam`
